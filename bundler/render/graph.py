"""How the objects of a bundle hang together: who routes to whom, who reads what. Layer: render, pure.

Only objects of the bundle appear: what a pod reads of others is reach, not structure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from bundler.fields.kinds import plural_of, pod_spec_path
from bundler.fields.pod_references import members_of, read_by
from bundler.fields.rights import rules_of
from bundler.fields.selectors import labels_match, selector_of
from bundler.model.definition import is_definition, kind_of
from bundler.model.graph import BundleGraph, EdgeKind, GraphComponent, GraphEdge, GraphObject
from bundler.model.json import Body, JSONValue, is_list, is_mapping, items_at, list_at, mapping_at, text_at
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.render.types import Rendering

_READS = frozenset({"get", "list", "watch"})
_OWN_GROUPS = ".k8s.io"
"""How the groups of Kubernetes end that have a dot in their name."""

_Place: TypeAlias = "tuple[str, str]"
"""Namespace, and ``Deployment/web``."""


def bundle_graph(bundle: Bundle, rendering: Rendering, manifests: Sequence[Manifest]) -> BundleGraph:
    """Return the graph of what a bundle rendered.

    Args:
        bundle: the top bundle.
        rendering: which components are switched on, and the secrets that are made.
        manifests: the objects of the bundle and its components.
    """
    enabled = {one.component for one in rendering.bundles}
    claims = [(one, claim) for one in manifests for claim in items_at(one.body, "spec", "volumeClaimTemplates")]
    secrets = {_place_of(one.ref): one.component for one in rendering.generated}
    objects = {_place_of(one.ref): one.component for one in manifests} | secrets
    names = _names([*objects, *(_volume_place(*one) for one in claims)])
    kept = (
        GraphEdge(source=names[_place_of(one.ref)], target=names[_volume_place(one, claim)], kind=EdgeKind.KEEPS)
        for one, claim in claims
    )
    return BundleGraph(
        components=tuple(_components(bundle, enabled, rendering.needs)),
        objects=(
            *(GraphObject(name=names[place], component=component) for place, component in objects.items()),
            *(
                GraphObject(
                    name=names[_volume_place(one, claim)],
                    component=one.component,
                    detail=text_at(claim, "spec", "resources", "requests", "storage"),
                )
                for one, claim in claims
            ),
        ),
        edges=sorted({*_edges(manifests, objects, names), *kept}),
    )


def _place_of(ref: ObjectRef) -> _Place:
    return ref.namespace, ref.short


def _names(places: Collection[_Place]) -> dict[_Place, str]:
    """Return how each object is called: by kind and name, with its namespace where several are called so."""
    count = Counter(short for _, short in places)
    return {
        (namespace, short): f"{short} ({namespace})" if count[short] > 1 and namespace else short
        for namespace, short in places
    }


def _components(
    bundle: Bundle, enabled: Collection[str], needs: Mapping[str, tuple[str, ...]]
) -> Iterator[GraphComponent]:
    for path, one in bundle.placed():
        if path in enabled:
            metadata = one.metadata
            yield GraphComponent(path=path, name=metadata.name, version=metadata.version, needs=needs.get(path, ()))


def _volume_place(manifest: Manifest, claim: Body) -> _Place:
    return manifest.ref.namespace, f"volume/{manifest.ref.name}-{text_at(claim, 'metadata', 'name')}"


def _edges(
    manifests: Sequence[Manifest], objects: Collection[_Place], names: Mapping[_Place, str]
) -> Iterator[GraphEdge]:
    bodies = {manifest.ref: manifest.body for manifest in manifests}
    for manifest in manifests:
        own = _place_of(manifest.ref)
        written = ((ref.short, EdgeKind.LOOKS_AFTER) for ref in _looked_after(manifest.ref, bodies))
        for short, kind in (*_targets(manifest, manifests), *written):
            target = manifest.ref.namespace, short
            if target in objects and target != own:
                yield GraphEdge(source=names[own], target=names[target], kind=kind)


def _targets(manifest: Manifest, manifests: Sequence[Manifest]) -> Iterator[tuple[str, EdgeKind]]:
    spec = mapping_at(manifest.body, "spec")
    match manifest.ref.kind:
        case "Service":
            selector = mapping_at(spec, "selector")
            yield from _selected({"matchLabels": selector} if selector else {}, manifest, manifests, EdgeKind.SELECTS)
        case "PodDisruptionBudget":
            yield from _selected(mapping_at(spec, "selector"), manifest, manifests, EdgeKind.PROTECTS)
        case "HorizontalPodAutoscaler":
            target = mapping_at(spec, "scaleTargetRef")
            yield f"{text_at(target, 'kind')}/{text_at(target, 'name')}", EdgeKind.SCALES
        case "Ingress" | "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute":
            yield from ((f"Service/{name}", EdgeKind.ROUTES) for name in _backends(spec))
        case _:
            path = pod_spec_path(manifest.ref.group, manifest.ref.kind)
            for kind, name in read_by(mapping_at(manifest.body, *path)) if path else ():
                yield f"{kind}/{name}", EdgeKind.KEEPS if kind == "PersistentVolumeClaim" else EdgeKind.READS


def _selected(
    selector: Body, manifest: Manifest, manifests: Sequence[Manifest], kind: EdgeKind
) -> Iterator[tuple[str, EdgeKind]]:
    """Yield the workloads whose pods a selector chooses; an empty one is not a statement about one of them."""
    if not selector:
        return
    requirements = selector_of(selector)
    for one in manifests:
        path = pod_spec_path(one.ref.group, one.ref.kind)
        if path and one.ref.namespace == manifest.ref.namespace:
            pod = {"metadata": mapping_at(one.body, *path[:-1], "metadata")}
            if labels_match(requirements, pod):
                yield one.ref.short, kind


def _backends(value: JSONValue) -> Iterator[str]:
    """Yield the Services that an Ingress or a route names anywhere."""
    for key, inner in members_of(value):
        if key == "service" and is_mapping(inner):
            yield text_at(inner, "name")
        elif key == "backendRefs" and is_list(inner):
            yield from (text_at(one, "name") for one in inner if is_mapping(one))
        else:
            yield from _backends(inner)


def _looked_after(workload: ObjectRef, objects: Mapping[ObjectRef, Body]) -> Iterator[ObjectRef]:
    """Yield what the role of a workload lets it write in its namespace: objects by name, and all of custom kinds.

    A right on a kind of Kubernetes as a whole says nothing about the ones that the bundle brings.

    Args:
        workload: one of the objects.
        objects: all that the bundle brings.
    """
    plurals = {
        kind_of(body): text_at(body, "spec", "names", "plural") for ref, body in objects.items() if is_definition(ref)
    }
    for rule in rules_of(workload, objects):
        groups, names = list_at(rule, "apiGroups"), list_at(rule, "resourceNames")
        resources = {str(resource).partition("/")[0] for resource in list_at(rule, "resources")}
        if not set(map(str, list_at(rule, "verbs"))) - _READS:
            continue
        for ref in objects:
            plural = plurals.get((ref.group, ref.kind)) or plural_of(ref.group, ref.kind) or f"{ref.kind.lower()}s"
            is_meant = ref.name in names if names else "." in ref.group and not ref.group.endswith(_OWN_GROUPS)
            if ref.group in groups and plural in resources and is_meant and ref.namespace == workload.namespace:
                yield ref
