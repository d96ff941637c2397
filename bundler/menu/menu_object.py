"""What a site applies to order a bundle as a kind: a ``Menu``, and who may do what. Layer: menu, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.bundle import Bundle
    from bundler.model.json import Body, JSONValue
    from bundler.model.kind import KindSpec

_OCI: Final = "oci://"
_ANYWHERE: Final = "oci://REGISTRY/bundles/"
"""Where a bundle that came from a folder will be; to be written by hand."""
_KEEPERS: Final = "bundler.dev/aggregate-to-controller"
_PEOPLE: Final = "rbac.authorization.k8s.io/aggregate-to-"
_EDITING: Final = ("create", "delete", "deletecollection", "patch", "update")


def menu_object(bundle: Bundle, menu: KindSpec, source: str) -> Body:
    """Return the object that a site applies to order a bundle as a kind.

    Args:
        bundle: that is ordered.
        menu: what its bundle.yaml says of the kind.
        source: the repository that the controller takes it from; empty: where it came from, else a place to fill in.
    """
    found = bundle.origin if bundle.origin.startswith(_OCI) else f"{_ANYWHERE}{bundle.metadata.name}"
    taken: dict[str, JSONValue] = {
        "source": source or found.partition("@")[0],
        "version": bundle.metadata.version,
        "digest": str(bundle.digest),
    }
    return {
        "apiVersion": "bundler.dev/v1",
        "kind": "Menu",
        "metadata": {"name": menu.definition_name},
        "spec": {
            "bundle": taken,
            "version": menu.version,
            "serviceAccountName": f"bundler-{bundle.metadata.name}",
            "upgrades": "Manual",
            "defaults": {"onFailure": "RollBack", "keep": "Correct", "interval": "10m"},
        },
    }


def kind_roles(menu: KindSpec) -> tuple[Body, ...]:
    """Return the ClusterRoles that let the controller keep objects of a kind, and people view and edit them.

    They aggregate: into the controller's role, and into ``view``, ``edit`` and ``admin``.

    Args:
        menu: what bundle.yaml says of the kind.
    """
    return (
        _role(menu, "controller", ("get", "list", "watch", "patch", "update"), {_KEEPERS: "true"}, is_whole=True),
        _role(menu, "view", ("get", "list", "watch"), {f"{_PEOPLE}view": "true"}),
        _role(menu, "edit", _EDITING, {f"{_PEOPLE}edit": "true", f"{_PEOPLE}admin": "true"}),
    )


def _role(
    menu: KindSpec, name: str, verbs: tuple[str, ...], labels: Mapping[str, JSONValue], *, is_whole: bool = False
) -> Body:
    parts = (menu.plural, f"{menu.plural}/status", f"{menu.plural}/finalizers") if is_whole else (menu.plural,)
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": f"bundler:{menu.definition_name}:{name}", "labels": labels},
        "rules": [{"apiGroups": [menu.group], "resources": list(parts), "verbs": list(verbs)}],
    }
