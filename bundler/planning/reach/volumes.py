"""Which storage claims and volumes lead to what is not the release's own. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.model.json import Body, items_at, mapping_at, text_at
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


def volume_grants(manifest: Manifest, own: frozenset[ObjectRef]) -> Iterator[tuple[str, str]]:
    """Yield what claims and volumes lead to."""
    spec, namespace = mapping_at(manifest.body, "spec"), manifest.ref.namespace
    match manifest.ref.group, manifest.ref.kind:
        case "", "PersistentVolume":
            yield from source_grants(spec)
        case "", "PersistentVolumeClaim":
            yield from claim_grants(spec, namespace, own)
        case "apps", "StatefulSet":
            for template in items_at(spec, "volumeClaimTemplates"):
                yield from claim_grants(mapping_at(template, "spec"), namespace, own)
        case _:
            pass


def claim_grants(spec: Body, namespace: str, own: frozenset[ObjectRef]) -> Iterator[tuple[str, str]]:
    """Yield what the spec of a claim takes or copies that is not among ``own``.

    Args:
        spec: of the claim.
        namespace: of the claim.
        own: objects of the bundle.
    """
    if name := text_at(spec, "volumeName"):
        yield "foreign-volumes", f"claims the volume {name}"
    for field in ("dataSource", "dataSourceRef"):
        copied = mapping_at(spec, field)
        kind, name, elsewhere = text_at(copied, "kind"), text_at(copied, "name"), text_at(copied, "namespace")
        if elsewhere and elsewhere != namespace:
            yield "foreign-volumes", f"copies {name} of the namespace {elsewhere}"
        elif name and ObjectRef(text_at(copied, "apiGroup"), kind, namespace, name) not in own:
            yield "foreign-volumes", f"copies the {kind} {name}, which is not in the bundle"
