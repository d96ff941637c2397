"""Deletes, finalizers and what hangs on them. Layer: sandbox, pure over a store.

Source: Kubernetes, "Garbage Collection" and "Finalizers".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.cluster import ForbiddenError
from bundler.sandbox import refusals
from bundler.sandbox.writes import has_generation

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef, ResourceType
    from bundler.ports import Propagation
    from bundler.sandbox.store import Transaction, Tree

FOREGROUND = "foregroundDeletion"
PERMANENT_NAMESPACES = frozenset({"default", "kube-system"})


def find_deletable(
    tx: Transaction, served: ResourceType, ref: ObjectRef, *, uid: str, resource_version: str
) -> Tree | None:
    """Check that an object may be deleted and return it; None where it is gone already.

    Args:
        tx: the open transaction.
        served: how the kind is served.
        ref: the object.
        uid: precondition; empty for none.
        resource_version: precondition; empty for none.

    Raises:
        ConflictError: when a precondition does not hold.
        ForbiddenError: for a namespace that has to stay.
    """
    live = tx.get(ref)
    if live is None:
        return None
    metadata = live["metadata"]
    if uid and uid != metadata["uid"]:
        why = f"the UID in the precondition ({uid}) does not match the UID in record ({metadata['uid']})"
        raise refusals.stale("deleting", ref, served, f"{why}. The object might have been deleted and then recreated")
    if resource_version and resource_version != metadata["resourceVersion"]:
        why = f"the ResourceVersion in the precondition ({resource_version}) does not match the one in record"
        raise refusals.stale("deleting", ref, served, f"{why} ({metadata['resourceVersion']})")
    if ref.kind == "Namespace" and ref.name in PERMANENT_NAMESPACES:
        raise ForbiddenError(
            refusals.doing("deleting", ref),
            context=[f'namespaces "{ref.name}" is forbidden: this namespace may not be deleted'],
            hint="leave this namespace where it is",
        )
    return live


def start_deletion(tx: Transaction, ref: ObjectRef, live: Tree, *, propagation: Propagation, time: str) -> None:
    """Delete an object, or mark it where something has to happen first.

    Args:
        tx: the open transaction.
        ref: the object.
        live: as stored.
        propagation: whether dependents go first, later or stay.
        time: RFC 3339.
    """
    metadata = live["metadata"]
    uid = metadata["uid"]
    if propagation == "Orphan":
        _set_free(tx, uid)
    finalizers = list(metadata.get("finalizers") or ())
    if propagation == "Foreground" and FOREGROUND not in finalizers and tx.dependents(uid):
        finalizers.append(FOREGROUND)
    lingers = finalizers or ref.kind == "Namespace" or _is_running(ref, live)
    if not lingers:
        tx.remove(ref)
        return
    if "deletionTimestamp" in metadata and finalizers == (metadata.get("finalizers") or []):
        return
    if "deletionTimestamp" not in metadata:
        metadata |= {"deletionTimestamp": time, "deletionGracePeriodSeconds": 30 if _is_running(ref, live) else 0}
        if has_generation(ref.group, ref.kind):
            metadata["generation"] = metadata.get("generation", 0) + 1
    if finalizers:
        metadata["finalizers"] = finalizers
    if ref.kind == "Namespace" and not ref.group:
        live["status"] = {**(live.get("status") or {}), "phase": "Terminating"}
    tx.update(ref, live)


def finish_deletion(tx: Transaction, ref: ObjectRef, live: Tree, *, dropping: str) -> None:
    """Take a finalizer off an object, and remove the object with the last one.

    Args:
        tx: the open transaction.
        ref: the object.
        live: as stored.
        dropping: the finalizer to remove.
    """
    left = [one for one in live["metadata"].get("finalizers") or () if one != dropping]
    if left or "deletionTimestamp" not in live["metadata"]:
        live["metadata"]["finalizers"] = left
        tx.update(ref, live)
    else:
        tx.remove(ref)


def _is_running(ref: ObjectRef, live: Tree) -> bool:
    """Return whether a kubelet has to stop a pod first."""
    spec, status = live.get("spec") or {}, live.get("status") or {}
    is_pod = ref.kind == "Pod" and not ref.group
    return is_pod and bool(spec.get("nodeName")) and status.get("phase") not in ("Succeeded", "Failed")


def _set_free(tx: Transaction, uid: str) -> None:
    for ref in tx.dependents(uid):
        dependent = tx.get(ref)
        if dependent is None:
            continue
        owners = [one for one in dependent["metadata"].get("ownerReferences") or () if one.get("uid") != uid]
        dependent["metadata"]["ownerReferences"] = owners
        if not owners:
            del dependent["metadata"]["ownerReferences"]
        tx.update(ref, dependent)
