"""What a recorded revision wrote, in versions that are still served. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.fields.removed_apis import successor_of
from bundler.health.compute import is_built_in
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest
    from bundler.model.refs import ObjectRef
    from bundler.model.release import InventoryEntry, Revision
    from bundler.ports import ClusterClient


def served_now(recorded: Revision, cluster: ClusterClient) -> Revision:
    """Return a recorded revision with each object in a version that the cluster serves.

    The server judges whether the object fits the other version: it is planned like any other. What is of a kind that
    Kubernetes itself no longer has is left out; an unknown custom kind stays, and is refused by name.

    Args:
        recorded: as it was recorded.
        cluster: that is rolled back.
    """
    found = (_served_entry(entry, cluster) for entry in recorded.inventory)
    return replace(recorded, inventory=tuple(entry for entry in found if entry is not None))


def _served_entry(entry: InventoryEntry, cluster: ClusterClient) -> InventoryEntry | None:
    manifest, ref = entry.manifest, entry.ref
    if manifest is None:
        return entry
    if cluster.resource_type(ref.group, ref.kind, manifest.api_version.rpartition("/")[2]) is not None:
        return entry
    served = cluster.resource_type(ref.group, ref.kind)
    if served is not None:
        moved = _in_version(manifest, served.api_version)
        return replace(entry, manifest=moved, api_version=served.api_version)
    return None if _is_former_kind(ref, cluster) else entry


def _in_version(manifest: Manifest, api_version: str) -> Manifest:
    body = {**manifest.body, "apiVersion": api_version}
    return replace(manifest, api_version=api_version, body=body, recorded_in=manifest.api_version)


def _is_former_kind(ref: ObjectRef, cluster: ClusterClient) -> bool:
    """Return whether a kind that is not served is one that Kubernetes itself had; no CRD can bring it back."""
    if not (is_built_in(ref.group) or successor_of(ref.group, ref.kind)):
        return False
    return not any(one.startswith(f"{ref.group}/") for one in cluster.unavailable_apis())
