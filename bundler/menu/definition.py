"""What a site applies to order a bundle as a kind: its definition, a ``Menu``, and roles. Layer: menu, pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bundler.menu.place import as_mapping
from bundler.menu.rules import release_name
from bundler.model.digest import digest_of
from bundler.model.json import Body, JSONValue, canonical_json, items_at, mapping_at, text_at
from bundler.model.orders import MADE_FOR, MADE_OF, with_note

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.model.kind import KindSpec, OrderKind

UNSEEN: Final[Mapping[str, JSONValue]] = {"observedGeneration": -1}
"""The status of an order that no controller has seen yet: those who wait for it do not take it for one without any."""
_API: Final = "apiextensions.k8s.io/v1"
_PRINTED: Final = frozenset({"integer", "number", "string", "boolean"})


def _condition(kind: str, what: str) -> str:
    return f'.status.conditions[?(@.type=="{kind}")].{what}'


_COLUMNS: Final[tuple[Mapping[str, JSONValue], ...]] = (
    {"name": "Ready", "type": "string", "jsonPath": _condition("Ready", "status")},
    {"name": "Status", "type": "string", "jsonPath": ".status.phase"},
    {"name": "Components", "type": "string", "jsonPath": ".status.summary.components"},
    {"name": "Bundle", "type": "string", "jsonPath": ".status.summary.bundle"},
    {"name": "Revision", "type": "integer", "jsonPath": ".status.revision"},
)
_LAST: Final[tuple[Mapping[str, JSONValue], ...]] = (
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    {"name": "Digest", "type": "string", "jsonPath": ".status.bundle.digest", "priority": 1},
    {"name": "Message", "type": "string", "jsonPath": _condition("Ready", "message"), "priority": 1},
)


def definition(bundle: Bundle, menu: KindSpec, spec: Body) -> Body:
    """Return the definition of the kind that a bundle is ordered as.

    Args:
        bundle: that is ordered.
        menu: what its bundle.yaml says of the kind.
        spec: the schema of ``.spec``.
    """
    name = bundle.metadata.name
    labels = {"app.kubernetes.io/managed-by": "bundler", "bundler.dev/bundle": name, MADE_FOR: menu.definition_name}
    body: Body = {
        "apiVersion": _API,
        "kind": "CustomResourceDefinition",
        "metadata": {"name": menu.definition_name, "labels": labels},
        "spec": {
            "group": menu.group,
            "names": _names(menu),
            "scope": "Namespaced",
            "versions": [
                {
                    "name": menu.version,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [*_COLUMNS, *_own_columns(menu, spec), *_LAST],
                    "schema": {"openAPIV3Schema": _schema(f"{bundle.metadata.description or name}", spec)},
                }
            ],
        },
    }
    return with_note(body, MADE_OF, digest_of(canonical_json(body)))


def spec_schema(kind: OrderKind) -> Body:
    """Return the schema of ``.spec`` of a kind."""
    version = items_at(kind.definition, "spec", "versions")[0]
    return mapping_at(version, "schema", "openAPIV3Schema", "properties", "spec")


def _names(menu: KindSpec) -> dict[str, JSONValue]:
    names: dict[str, JSONValue] = {
        "kind": menu.kind,
        "listKind": f"{menu.kind}List",
        "plural": menu.plural,
        "singular": menu.kind.lower(),
        "categories": ["bundler"],
    }
    return {**names, "shortNames": list(menu.short_names)} if menu.short_names else names


def _schema(description: str, spec: Body) -> dict[str, JSONValue]:
    status: Body = {
        "type": "object",
        "description": "what the controller says of the order",
        "x-kubernetes-preserve-unknown-fields": True,
        "default": dict(UNSEEN),
    }
    root: dict[str, JSONValue] = {
        "type": "object",
        "description": description,
        "properties": {"spec": {**spec, "description": "values of the bundle"}, "status": status},
        "x-kubernetes-validations": release_name(),
    }
    return {**root, "required": ["spec"]} if spec.get("required") else root


def _own_columns(menu: KindSpec, spec: Body) -> list[JSONValue]:
    return [
        {"name": column.name, "type": kind, "jsonPath": column.path}
        for column in menu.columns
        if (kind := column_type(column.path, spec))
    ]


def column_type(path: str, spec: Body) -> str:
    """Return the type of what a column shows; empty where its path leads to no plain value of an order.

    Args:
        path: ``.spec.qps``.
        spec: the schema of ``.spec``.
    """
    first, *steps = path.removeprefix(".").split(".")
    here = spec
    for step in steps:
        here = as_mapping(as_mapping(here.get("properties")).get(step))
    kind = text_at(here, "type") or ("string" if here.get("x-kubernetes-int-or-string") else "")
    return kind if first == "spec" and steps and path.startswith(".") and kind in _PRINTED else ""


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
