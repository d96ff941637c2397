"""What is never deleted, whatever becomes of its release. Layer: model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.hooks import DeleteAfter
from bundler.model.json import Body, text_at
from bundler.model.labels import HOOK_DELETE_AFTER

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef
    from bundler.model.release import InventoryEntry

NEVER_DELETED = {
    ("", "PersistentVolumeClaim"): "holds data",
    ("", "PersistentVolume"): "holds data",
    ("", "Namespace"): "may hold what others made",
    ("apiextensions.k8s.io", "CustomResourceDefinition"): "deleting it deletes every object of its kind",
}


def kept_because(ref: ObjectRef, entry: InventoryEntry, live: Body | None = None) -> str:
    """Return why an object is never deleted, whatever becomes of its release; empty where it may be.

    Args:
        ref: the object.
        entry: of the record.
        live: as it is; an object of a hook may say that it stays.
    """
    if entry.is_generated:
        return "a generated secret is made once"
    if text_at(live, "metadata", "annotations", HOOK_DELETE_AFTER) == DeleteAfter.NEVER:
        return f"{HOOK_DELETE_AFTER} is {DeleteAfter.NEVER}"
    return NEVER_DELETED.get((ref.group, ref.kind), "")
