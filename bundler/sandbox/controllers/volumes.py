"""Claims, the volumes they get, and ResourceQuota counts. Layer: sandbox, pure over a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import items_at, mapping_at, text_at, value_at
from bundler.model.refs import ObjectRef, ref_of
from bundler.sandbox.controllers.world import is_leaving
from bundler.sandbox.deletion import finish_deletion
from bundler.sandbox.writes import thawed

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.sandbox.controllers.world import World
    from bundler.sandbox.store import Tree

WATCHED = frozenset(
    {("", "PersistentVolumeClaim"), ("", "PersistentVolume"), ("", "Pod"), ("storage.k8s.io", "StorageClass")}
)
PROTECTION = "kubernetes.io/pvc-protection"


def run_claims(world: World) -> None:
    """Bind claims, grow them, and let go of those that were deleted and are no longer used."""
    claims = world.all("", "PersistentVolumeClaim")
    if claims:
        used = _used(world)
        for claim in claims:
            _sync(world, claim, is_used=_key(claim) in used)
    bound = {text_at(claim, "metadata", "uid") for claim in claims}
    for volume in world.all("", "PersistentVolume"):
        owner = text_at(volume, "spec", "claimRef", "uid")
        if owner and owner not in bound:
            _release(world, volume)


def _key(claim: Body) -> tuple[str, str]:
    return text_at(claim, "metadata", "namespace"), text_at(claim, "metadata", "name")


def _used(world: World) -> set[tuple[str, str]]:
    found = set()
    for pod in world.all("", "Pod"):
        if text_at(pod, "status", "phase") in ("Succeeded", "Failed"):
            continue
        for volume in items_at(pod, "spec", "volumes"):
            name = text_at(volume, "persistentVolumeClaim", "claimName")
            found.add((text_at(pod, "metadata", "namespace"), name))
    return found


def _sync(world: World, claim: Body, *, is_used: bool) -> None:
    if is_leaving(claim):
        live = world.tx.get(ref_of(claim))
        if not is_used and live is not None and PROTECTION in live["metadata"].get("finalizers", ()):
            finish_deletion(world.tx, ref_of(claim), live, dropping=PROTECTION)
        return
    if text_at(claim, "status", "phase") == "Bound":
        _grow(world, claim)
        return
    if "status" not in claim:
        world.set_status(claim, {"phase": "Pending"})
    fault = world.faults.get(ref_of(claim))
    if fault is not None:
        words = "storageclass.storage.k8s.io: failed to provision volume: no space left on the storage system"
        world.warn(claim, "ProvisioningFailed", words, component="persistentvolume-controller")
        return
    class_name = text_at(claim, "spec", "storageClassName")
    storage = world.tx.get(ObjectRef("storage.k8s.io", "StorageClass", "", class_name))
    if storage is None:
        words = f'storageclass.storage.k8s.io "{class_name}" not found'
        world.warn(claim, "ProvisioningFailed", words, component="persistentvolume-controller")
    elif is_used or storage.get("volumeBindingMode") != "WaitForFirstConsumer":
        _bind(world, claim, storage)


def _bind(world: World, claim: Body, storage: Tree) -> None:
    volume = f"pvc-{text_at(claim, 'metadata', 'uid')}"
    size = value_at(claim, "spec", "resources", "requests", "storage")
    modes = value_at(claim, "spec", "accessModes")
    namespace, name = _key(claim)
    reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": name}
    spec: Tree = {
        "capacity": {"storage": size},
        "accessModes": modes,
        "claimRef": {**reference, "uid": text_at(claim, "metadata", "uid")},
        "persistentVolumeReclaimPolicy": storage.get("reclaimPolicy", "Delete"),
        "storageClassName": storage["metadata"]["name"],
        "volumeMode": "Filesystem",
        "hostPath": {"path": f"/sandbox/{volume}"},
    }
    made: Tree = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume}, "spec": spec}
    world.create("", "PersistentVolume", {**made, "status": {"phase": "Bound"}})
    live = thawed(claim)
    live["metadata"].setdefault("annotations", {})["pv.kubernetes.io/bind-completed"] = "yes"
    live["spec"]["volumeName"] = volume
    live["status"] = {"phase": "Bound", "accessModes": modes, "capacity": {"storage": size}}
    world.update(claim, live)


def _grow(world: World, claim: Body) -> None:
    size = value_at(claim, "spec", "resources", "requests", "storage")
    if size != value_at(claim, "status", "capacity", "storage"):
        world.set_status(claim, {**mapping_at(claim, "status"), "capacity": {"storage": size}})


def _release(world: World, volume: Body) -> None:
    if text_at(volume, "spec", "persistentVolumeReclaimPolicy") == "Delete":
        world.delete(volume)
    elif text_at(volume, "status", "phase") != "Released":
        world.set_status(volume, {"phase": "Released"})
