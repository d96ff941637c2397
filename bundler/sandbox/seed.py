"""What every cluster has from its start. Layer: sandbox, pure over a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.refs import ref_of
from bundler.sandbox.controllers.pods import NODE
from bundler.sandbox.defaults import DEFAULT_STORAGE_CLASS
from bundler.sandbox.settings import KUBERNETES_VERSION
from bundler.sandbox.store import new_uid

if TYPE_CHECKING:
    from bundler.sandbox.store import Transaction, Tree

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


def seed_store(tx: Transaction, time: str) -> None:
    """Store namespaces, the node and the default storage class, unless that was done before."""
    if tx.meta("seeded"):
        return
    for body in [*map(_namespace, NAMESPACES), _node(), _storage_class()]:
        body["metadata"] |= {"uid": new_uid(), "creationTimestamp": time}
        tx.insert(ref_of(body), body)
    tx.set_meta("seeded", time)


def _namespace(name: str) -> Tree:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def _node() -> Tree:
    room = {"cpu": "64", "memory": "256Gi", "pods": "1000"}
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}},
        "spec": {},
        "status": {
            "capacity": room,
            "allocatable": room,
            "conditions": [ready],
            "nodeInfo": {"kubeletVersion": KUBERNETES_VERSION, "operatingSystem": "linux", "architecture": "amd64"},
        },
    }


def _storage_class() -> Tree:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": DEFAULT_STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "sandbox.bundler.dev/volume",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }
