"""The object that tells a controller to serve a kind: ``Menu``. Layer: menu, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.model.json import Body, JSONValue
    from bundler.model.kind import KindSpec

_OCI: Final = "oci://"
_ANYWHERE: Final = "oci://REGISTRY/bundles/"
"""Where a bundle that came from a folder will be; to be written by hand."""


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
