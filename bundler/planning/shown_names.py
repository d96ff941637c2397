"""What output shows of objects in any case. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterable

from bundler.fields.kinds import pod_spec_path
from bundler.model.json import items_at, mapping_at, text_at
from bundler.model.manifest import Manifest


def public_identifiers(manifests: Iterable[Manifest]) -> frozenset[str]:
    """Return what output shows of objects in any case: names, namespaces, images."""
    found: set[str] = set()
    for manifest in manifests:
        found |= {manifest.ref.kind, manifest.ref.namespace, manifest.ref.name, manifest.component}
        path = pod_spec_path(manifest.ref.group, manifest.ref.kind)
        pod = mapping_at(manifest.body, *path) if path is not None else {}
        for group in ("initContainers", "containers"):
            found |= {text_at(container, "image") for container in items_at(pod, group)}
    return frozenset(found)
