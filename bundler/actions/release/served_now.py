"""What a recorded revision wrote, in versions that are still served. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.fields.kinds import all_kinds
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest
    from bundler.model.release import InventoryEntry, Revision
    from bundler.ports import ClusterClient

_FORMER_GROUPS: Final = frozenset({"extensions", "settings.k8s.io", "auditregistration.k8s.io"})


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
    group, _, version = manifest.api_version.rpartition("/")
    if cluster.resource_type(ref.group, ref.kind, version) is not None:
        return entry
    served = cluster.resource_type(ref.group, ref.kind)
    if served is not None:
        moved = _in_version(manifest, served.api_version)
        return replace(entry, manifest=moved, api_version=served.api_version)
    return None if _is_former_kind(group, cluster) else entry


def _in_version(manifest: Manifest, api_version: str) -> Manifest:
    body = {**manifest.body, "apiVersion": api_version}
    return replace(manifest, api_version=api_version, body=body, recorded_in=manifest.api_version)


def _is_former_kind(group: str, cluster: ClusterClient) -> bool:
    """Return whether a kind that is not served is one that Kubernetes itself had; no CRD can bring it back."""
    if group not in _FORMER_GROUPS | {info.group for info in all_kinds()}:
        return False
    return not any(one.startswith(f"{group}/") for one in cluster.unavailable_apis())
