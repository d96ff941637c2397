"""Replica counts that an autoscaler owns. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.model.json import Body, int_at, is_mapping, items_at, mapping_at, text_at, value_at
from bundler.model.lean import replace
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef, group_of
from bundler.planning.ownership import is_ours

if TYPE_CHECKING:
    from bundler.planning.observation import Wanted

_HPA = ("autoscaling", "HorizontalPodAutoscaler")
_KEDA = ("keda.sh", "ScaledObject")
AUTOSCALER_KINDS = (_HPA, _KEDA)
REPLICAS_PATH = ".spec.replicas"
_SCALERS = frozenset({"kube-controller-manager", "keda", "keda-operator"})
"""Field managers of the controllers behind autoscalers; a person's `kubectl scale` is called kubectl."""


def autoscaled_targets(objects: Iterable[tuple[ObjectRef, Body]]) -> Mapping[ObjectRef, int]:
    """Return the workloads that autoscalers among ``objects`` drive, each with its lower bound."""
    targets: dict[ObjectRef, int] = {}
    for ref, body in objects:
        if (ref.group, ref.kind) == _HPA:
            lowest = int_at(body, "spec", "minReplicas", default=1)
        elif (ref.group, ref.kind) == _KEDA:
            lowest = int_at(body, "spec", "minReplicaCount")
        else:
            continue
        workload = target_of(ref, body)
        targets[workload] = max(lowest, targets.get(workload, 0))
    return targets


def target_of(autoscaler: ObjectRef, body: Body) -> ObjectRef:
    """Return the workload that an autoscaler drives."""
    target = mapping_at(body, "spec", "scaleTargetRef")
    group = group_of(text_at(target, "apiVersion") or "apps/v1")
    return ObjectRef(group, text_at(target, "kind") or "Deployment", autoscaler.namespace, text_at(target, "name"))


def with_a_say(live: Iterable[tuple[ObjectRef, Body]], wanted: Wanted) -> Iterator[tuple[ObjectRef, Body]]:
    """Yield what is live without this release's autoscalers that end with the plan, and whose workload it stops.

    Such an autoscaler is there until the end of the run, and leaves a workload without replicas alone. Any other
    number it would contest.
    """
    kept = {manifest.ref for manifest in wanted.manifests}
    stopped = {manifest.ref for manifest in wanted.manifests if is_stopped(manifest.body)}
    for ref, body in live:
        ends = ref in wanted.owned and ref not in kept and is_ours(body, wanted.uid)
        if not (ends and target_of(ref, body) in stopped):
            yield ref, body


def owned_by_autoscaler(conflicts: Sequence[tuple[str, str]]) -> bool:
    """Return whether all that contests an apply is the number that an autoscaler set.

    Where none drives the workload any more, no one will ever give that field up: the bundle takes it back.
    """
    return bool(conflicts) and all(path == REPLICAS_PATH and manager in _SCALERS for path, manager in conflicts)


def is_stopped(live: Body | None) -> bool:
    """Return whether a workload is set to no replica, which autoscalers take for a pause."""
    return value_at(live, "spec", "replicas") == 0


def is_stopped_by(live: Body | None, manager: str) -> bool:
    """Return whether a workload is set to no replica, and one manager alone says so."""
    entries = items_at(live, "metadata", "managedFields")
    said = {text_at(one, "manager") for one in entries if is_mapping(value_at(one, "fieldsV1", "f:spec", "f:replicas"))}
    return is_stopped(live) and said == {manager}


def was_autoscaled(live: Body) -> bool:
    """Return whether an autoscaler has set the number of replicas."""
    return any(
        entry.get("manager") in _SCALERS and entry.get("subresource") == "scale"
        for entry in items_at(live, "metadata", "managedFields")
    )


def with_followed_replicas(manifest: Manifest, *, live: Body | None, lowest: int) -> Manifest:
    """Return the manifest with ``spec.replicas`` as the autoscaler wants it.

    The live value always; on create the larger of what was rendered and the lower bound. Only the 0 of someone else is
    left out: no one owns it, for the server notes no one who scales to 0, and it has to stay a pause of theirs. Leaving
    out a field that we own would hand it to no one and reset it to 1.

    Args:
        manifest: the rendered object.
        live: the object as it is; None for a new one.
        lowest: smallest number of replicas of the autoscaler.
    """
    spec = mapping_at(manifest.body, "spec")
    if is_stopped(live):
        rest = {key: value for key, value in spec.items() if key != "replicas"}
        return replace(manifest, body={**manifest.body, "spec": rest})
    alive = value_at(live, "spec", "replicas")
    replicas = alive if isinstance(alive, int) else max(int_at(spec, "replicas", default=1), lowest)
    return replace(manifest, body={**manifest.body, "spec": {**spec, "replicas": replicas}})
