"""A fake volume provisioner: makes a volume for each claim that asks for one, grows it, and removes it when released.

It speaks the protocol of an external provisioner, so that the real volume controller does the binding.
Source: kubernetes-csi/external-provisioner, and `pkg/controller/volume/persistentvolume` of Kubernetes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tests.lib.raw_api import EXPECTED, MERGE_PATCH, ApiError, RawApi

if TYPE_CHECKING:
    from tests.lib.following import Handle
    from tests.lib.work_queue import WorkQueue

PROVISIONER = "bundler.test/volumes"
STORAGE_CLASS = "standard"

Body = Mapping[str, Any]


def storage_class() -> dict[str, Any]:
    """Return the default StorageClass of the control plane."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": PROVISIONER,
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": True,
    }


def provisioner(
    api: RawApi, work: WorkQueue, *, discard: Callable[[str], None] = lambda _: None
) -> list[tuple[str, Handle]]:
    """Return what to follow, and what to do about it; `discard` gets the name of each volume that is removed."""

    def later(body: Body, act: Callable[[RawApi, Body], None]) -> None:
        work.add(body["metadata"]["uid"], lambda: _tolerate(act, api, body))

    def on_claim(event: str, claim: Body) -> None:
        if event != "DELETED" and wants_volume(claim):
            later(claim, make_volume)
        elif event != "DELETED" and wants_growth(claim):
            later(claim, grow_volume)

    def on_volume(event: str, volume: Body) -> None:
        if event != "DELETED" and is_released(volume):
            later(volume, remove_volume)
        elif event == "DELETED":
            discard(volume["metadata"]["name"])

    return [("/api/v1/persistentvolumeclaims", on_claim), ("/api/v1/persistentvolumes", on_volume)]


def _tolerate(act: Callable[[RawApi, Body], None], api: RawApi, body: Body) -> None:
    """Do something about an object that may be gone or done already."""
    try:
        act(api, body)
    except ApiError as error:
        if error.status not in EXPECTED:
            raise


def wants_volume(claim: Body) -> bool:
    """Return whether the volume controller has asked our provisioner to make the claim's volume."""
    asked = claim["metadata"].get("annotations", {}).get("volume.kubernetes.io/storage-provisioner")
    return asked == PROVISIONER and not claim["spec"].get("volumeName")


def wants_growth(claim: Body) -> bool:
    """Return whether a bound claim asks for another size than it has."""
    status = claim.get("status", {})
    have = status.get("capacity", {}).get("storage")
    return (
        status.get("phase") == "Bound"
        and have is not None
        and have != claim["spec"]["resources"]["requests"]["storage"]
    )


def is_released(volume: Body) -> bool:
    """Return whether the volume is ours and has lost its claim for good."""
    ours = volume["metadata"].get("annotations", {}).get("pv.kubernetes.io/provisioned-by") == PROVISIONER
    delete = volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
    return (
        ours
        and delete
        and volume.get("status", {}).get("phase") == "Released"
        and "deletionTimestamp" not in volume["metadata"]
    )


def make_volume(api: RawApi, claim: Body) -> None:
    """Create the volume of a claim."""
    meta, spec = claim["metadata"], claim["spec"]
    reference = {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion")}
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"pvc-{meta['uid']}", "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **reference},
            "hostPath": {"path": f"/var/lib/fake-volumes/{meta['uid']}", "type": ""},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": spec["storageClassName"],
            "volumeMode": spec.get("volumeMode", "Filesystem"),
        },
    }
    api.send("POST", "/api/v1/persistentvolumes", body)


def grow_volume(api: RawApi, claim: Body) -> None:
    """Give the volume of a bound claim the size that the claim asks for."""
    meta, spec = claim["metadata"], claim["spec"]
    capacity = {"capacity": {"storage": spec["resources"]["requests"]["storage"]}}
    api.send("PATCH", f"/api/v1/persistentvolumes/{spec['volumeName']}", {"spec": capacity}, content_type=MERGE_PATCH)
    path = f"/api/v1/namespaces/{meta['namespace']}/persistentvolumeclaims/{meta['name']}/status"
    api.send("PATCH", path, {"status": capacity}, content_type=MERGE_PATCH)


def remove_volume(api: RawApi, volume: Body) -> None:
    """Delete a released volume."""
    api.send("DELETE", f"/api/v1/persistentvolumes/{volume['metadata']['name']}")
