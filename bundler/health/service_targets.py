"""Services that lead nowhere: no pod of the release has their labels, or their port. Layer: rules, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bundler.fields.kinds import pod_spec_path
from bundler.health.compute import is_built_in
from bundler.health.custom import has_no_status
from bundler.model.json import Body, items_at, mapping_at, strings_at, text_at
from bundler.model.lean import dataclass
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef

_LABELS_OF_CONTROLLERS = frozenset({
    "apps.kubernetes.io/pod-index", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name", "controller-revision-hash", "controller-uid", "job-name", "pod-template-generation",
    "pod-template-hash", "statefulset.kubernetes.io/pod-name",
})  # fmt: skip
"""Kubernetes' controllers put them on pods; no template holds them."""
_WRITES = {"*", "create", "update", "patch"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceProblem:
    """A Service whose requests reach no pod."""

    ref: ObjectRef
    message: str
    field: str
    is_certain: bool
    """False where an operator may make the pods, or label them at run time."""


@dataclass(frozen=True, slots=True)
class _Pods:
    namespace: str
    labels: Body
    port_names: frozenset[str]


class _PodIndex:
    """Finds the pods that a selector chooses without asking each: releases with thousands of both exist."""

    def __init__(self, pods: Iterable[_Pods]) -> None:
        self._by_namespace: dict[str, list[_Pods]] = {}
        self._by_label: dict[tuple[str, str, str], list[_Pods]] = {}
        for one in pods:
            self._by_namespace.setdefault(one.namespace, []).append(one)
            for key, value in one.labels.items():
                self._by_label.setdefault((one.namespace, key, str(value)), []).append(one)

    def selected(self, namespace: str, selector: Body) -> list[_Pods]:
        wanted = [pair for pair in selector.items() if pair[0] not in _LABELS_OF_CONTROLLERS]
        candidates = [self._by_label.get((namespace, key, str(value)), []) for key, value in wanted]
        fewest = min(candidates, key=len, default=self._by_namespace.get(namespace, []))
        return [one for one in fewest if all(one.labels.get(key) == value for key, value in wanted)]


def service_problems(manifests: Sequence[Manifest]) -> Iterator[ServiceProblem]:
    """Yield the Services among the objects of a release that none of its pods can serve.

    Args:
        manifests: all of the release; Services without a selector get their endpoints elsewhere, and are left out.
    """
    pods = _PodIndex(found for manifest in manifests if (found := _pods_of(manifest)) is not None)
    is_certain = not any(_may_make_pods(manifest) for manifest in manifests)
    for manifest in manifests:
        selector = mapping_at(manifest.body, "spec", "selector")
        if (manifest.ref.group, manifest.ref.kind) != ("", "Service") or not selector:
            continue
        chosen = pods.selected(manifest.ref.namespace, selector)
        for message, field in _problems(manifest.body, selector, chosen):
            yield ServiceProblem(ref=manifest.ref, message=message, field=field, is_certain=is_certain)


def _problems(service: Body, selector: Body, chosen: Sequence[_Pods]) -> Iterable[tuple[str, str]]:
    if not chosen:
        shown = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
        yield f"its selector {shown} matches no pod of the release", "spec.selector"
        return
    names = frozenset[str]().union(*(one.port_names for one in chosen))
    for index, port in enumerate(items_at(service, "spec", "ports")):
        target = port.get("targetPort")
        if isinstance(target, str) and not target.isdecimal() and target not in names:
            known = ", ".join(sorted(names)) or "none"
            message = f"its targetPort {target!r} is not a port of the pods that it selects (named ports: {known})"
            yield message, f"spec.ports[{index}].targetPort"


def _pods_of(manifest: Manifest) -> _Pods | None:
    """Return the pods that an object makes, or is."""
    path = pod_spec_path(manifest.ref.group, manifest.ref.kind)
    if path is None:
        return None
    spec = mapping_at(manifest.body, *path)
    containers = [one for group in ("initContainers", "containers") for one in items_at(spec, group)]
    names = {text_at(port, "name") for one in containers for port in items_at(one, "ports")}
    labels = mapping_at(manifest.body, *path[:-1], "metadata", "labels")
    return _Pods(manifest.ref.namespace, labels, frozenset(names - {""}))


def _may_make_pods(manifest: Manifest) -> bool:
    """Return whether an operator may make pods because of an object, or change the labels of those that are there."""
    if not is_built_in(manifest.ref.group):
        return not has_no_status(manifest.ref.group, manifest.ref.kind)
    return manifest.ref.kind in {"Role", "ClusterRole"} and any(map(_writes_pods, items_at(manifest.body, "rules")))


def _writes_pods(rule: Body) -> bool:
    return bool({"*", "pods"} & set(strings_at(rule, "resources"))) and bool(_WRITES & set(strings_at(rule, "verbs")))
