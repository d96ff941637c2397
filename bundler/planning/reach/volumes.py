"""Which storage claims and volumes lead to what is not the release's own. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import items_at, mapping_at, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.json import Body
    from bundler.model.manifest import Manifest
    from bundler.model.refs import ObjectRef

_OF_THE_NODE = ("hostPath", "local")
_REMOTE = (
    "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker",
    "gcePersistentDisk", "gitRepo", "glusterfs", "iscsi", "nfs", "photonPersistentDisk", "portworxVolume", "quobyte",
    "rbd", "scaleIO", "storageos", "vsphereVolume",
)  # fmt: skip


def source_grants(source: Body) -> Iterator[tuple[str, str]]:
    """Yield what a volume of a pod, or the spec of a PersistentVolume, leads to."""
    for field in _OF_THE_NODE:
        if field in source:
            yield "host-path", f"mounts {text_at(source, field, 'path')} of the node"
    for field in _REMOTE:
        if field in source:
            yield "remote-volumes", f"attaches a volume by {field}"
    yield from _claim_grants(mapping_at(source, "ephemeral", "volumeClaimTemplate", "spec"))


def volume_grants(manifest: Manifest, _own: frozenset[ObjectRef]) -> Iterator[tuple[str, str]]:
    """Yield what claims and volumes lead to."""
    spec = mapping_at(manifest.body, "spec")
    match manifest.ref.group, manifest.ref.kind:
        case "", "PersistentVolume":
            yield from source_grants(spec)
        case "", "PersistentVolumeClaim":
            yield from _claim_grants(spec)
        case "apps", "StatefulSet":
            for template in items_at(spec, "volumeClaimTemplates"):
                yield from _claim_grants(mapping_at(template, "spec"))
        case _:
            pass


def _claim_grants(spec: Body) -> Iterator[tuple[str, str]]:
    if name := text_at(spec, "volumeName"):
        yield "foreign-volumes", f"claims the volume {name}"
    if namespace := text_at(spec, "dataSourceRef", "namespace"):
        yield "foreign-volumes", f"copies {text_at(spec, 'dataSourceRef', 'name')} of the namespace {namespace}"
