"""See how far the workloads of a rollout are: whose template they have, and their old and new pods. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from bundler.actions.change.live_state import by_ref
from bundler.actions.change.pod_watch import pod_selector
from bundler.actions.rollout.templates import TemplateMemory
from bundler.concurrency import map_parallel
from bundler.health.pod_ages import PodAges, is_active, is_ready
from bundler.health.pods import FailFast
from bundler.model.cluster import ListQuery, is_deleting
from bundler.model.json import Body, int_at, items_at, mapping_at, text_at
from bundler.model.lean import dataclass
from bundler.model.refs import ObjectRef, ref_of
from bundler.model.rollout import SeenWorkload, Template
from bundler.planning.claim_growth import is_stateful_set
from bundler.planning.conflicts import owners_of
from bundler.planning.pacing import author_pace, pacing_of

if TYPE_CHECKING:
    from bundler.model.manifest import Manifest
    from bundler.model.release import RevisionSummary
    from bundler.planning.observation import Wanted
    from bundler.ports import Ports

Pods: TypeAlias = "Sequence[Body]"

_POD_TEMPLATE_HASH = "pod-template-hash"
_REVISION_HASH = "controller-revision-hash"
_PACING = (
    ".spec.minReadySeconds",
    ".spec.progressDeadlineSeconds",
    ".spec.strategy.rollingUpdate",
    ".spec.updateStrategy.rollingUpdate.partition",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppedWorkload:
    """A workload whose pods are replaced step by step."""

    ref: ObjectRef
    component: str
    new: Manifest
    """As the revision that is rolled out writes it."""
    old: Manifest | None
    """As the deployed revision wrote it; None where its record cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAt:
    """A live workload with all pods that it owns, those on their way out left out."""

    live: Body
    template: Template
    replica_sets: Sequence[Body]
    """Of a Deployment."""
    pods: Sequence[Body]


class RolloutMemory:
    """What one run remembers from look to look; after a restart of bundler it begins from nothing."""

    def __init__(self, templates: TemplateMemory, ages: PodAges) -> None:
        """Begin.

        Args:
            templates: whose pod template is whose.
            ages: of pods, by our own clock.
        """
        self.templates, self.ages = templates, ages
        self.live: Mapping[ObjectRef, Body] = {}
        """The workloads as they were seen last."""
        self.new_pods: dict[ObjectRef, Pods] = {}
        """Their new pods, as they were seen last."""
        self.new_revisions: set[str] = set()
        """Revisions of StatefulSets that are of the new template."""
        self.put_back: set[ObjectRef] = set()
        """Workloads whose pacing someone changed, and this run has put back."""


def observe_rollout(
    workloads: Sequence[SteppedWorkload], ports: Ports, memory: RolloutMemory
) -> tuple[SeenWorkload, ...]:
    """Return what is seen of the workloads of a rollout; one that no longer exists is left out.

    Args:
        workloads: whose pods are replaced step by step.
        ports: the cluster and the clock.
        memory: of the run; it learns what is seen.

    Raises:
        ForbiddenError: when ReplicaSets or pods may not be listed: nothing is known of new pods then.
    """
    memory.live = _live([one.ref for one in workloads], ports)
    there = [one for one in workloads if one.ref in memory.live]
    looked = map_parallel(lambda one: look_at(one, memory.live[one.ref], ports, memory.templates), there)
    memory.ages.look(ports.clock.monotonic(), [pod for one in looked for pod in one.pods])
    return tuple(_seen(one, found, memory) for one, found in zip(there, looked, strict=True))


def look_at(workload: SteppedWorkload, live: Body, ports: Ports, templates: TemplateMemory) -> LookedAt:
    """Return a workload with its ReplicaSets and its pods.

    Args:
        workload: of the rollout.
        live: as it is now.
        ports: the cluster.
        templates: says whose template it has.
    """
    template = templates.judge(workload.ref, live, new=workload.new, old=workload.old, ports=ports)
    sets = _owned(live, "apps", "ReplicaSet", [live], ports) if workload.ref.kind == "Deployment" else ()
    owners = sets if workload.ref.kind == "Deployment" else [live]
    pods = [pod for pod in _owned(live, "", "Pod", owners, ports) if not is_deleting(pod) and is_active(pod)]
    return LookedAt(live=live, template=template, replica_sets=sets, pods=pods)


def stuck_pods(workloads: Sequence[SteppedWorkload], ports: Ports, memory: RolloutMemory) -> Mapping[ObjectRef, Body]:
    """Return the new pods of StatefulSets that are not ready: an old template would wait behind them forever.

    Args:
        workloads: of the rollout that is aborted.
        ports: the cluster.
        memory: of the run.
    """
    sets = [one for one in workloads if one.ref.kind == "StatefulSet"]
    live = _live([one.ref for one in sets], ports)
    looked = [look_at(one, live[one.ref], ports, memory.templates) for one in sets if one.ref in live]
    return by_ref(pod for found in looked for pod in _split(found, memory)[1] if not is_ready(pod))


def _live(refs: Sequence[ObjectRef], ports: Ports) -> Mapping[ObjectRef, Body]:
    """Return the workloads as they are: each is asked for by its name, for someone may have taken its label off."""
    found = map_parallel(ports.cluster.get, refs)
    pairs = zip(refs, found, strict=True)
    return {ref: body for ref, body in pairs if body is not None and not is_deleting(body)}


def _owned(workload: Body, group: str, kind: str, owners: Iterable[Body], ports: Ports) -> Sequence[Body]:
    """Return what belongs to any of the owners, by their uids: labels may be shared with others."""
    selector = ",".join(f"{key}={value}" for key, value in pod_selector(workload).items())
    namespace = text_at(workload, "metadata", "namespace")
    query = ListQuery(group=group, kind=kind, namespace=namespace, label_selector=selector)
    uids = {text_at(owner, "metadata", "uid") for owner in owners}
    return [one for one in ports.cluster.list(query).items if _owner_uid(one) in uids]


def _owner_uid(body: Body) -> str:
    owners = items_at(body, "metadata", "ownerReferences")
    return next((text_at(owner, "uid") for owner in owners if owner.get("controller") is True), "")


def _seen(workload: SteppedWorkload, found: LookedAt, memory: RolloutMemory) -> SeenWorkload:
    live, author = found.live, author_pace(workload.new.body)
    pacing = pacing_of(live)
    old, new = _split(found, memory)
    wanted_old, wanted_new = _wanted(found, memory)
    counts, memory.new_pods[workload.ref] = memory.ages, new
    return SeenWorkload(
        ref=workload.ref,
        component=workload.component,
        replicas=int_at(live, "spec", "replicas", default=1),
        template=found.template,
        pacing=pacing,
        is_contested=pacing is not None and _is_contested(live),
        others=_others(workload.ref, live, memory),
        was_put_back=workload.ref in memory.put_back,
        author=author,
        is_settled=_is_settled(found, (wanted_old, len(old)), (wanted_new, len(new))),
        old=counts.count(old, wanted=wanted_old, min_ready_s=author.min_ready_s, is_new=False),
        new=counts.count(new, wanted=wanted_new, min_ready_s=author.min_ready_s, is_new=True),
    )


def _is_contested(live: Body) -> bool:
    """Return whether another manager has set a field that holds the workload back, so that we own it no longer."""
    ours = {path for path, _ in owners_of(live, by_us=True)}
    return any(path not in ours for path, _ in owners_of_pacing(live))


def _others(ref: ObjectRef, live: Body, memory: RolloutMemory) -> tuple[str, ...]:
    managers = (*memory.templates.writers(ref), *(manager for _, manager in owners_of_pacing(live)))
    return tuple(dict.fromkeys(filter(None, managers)))


def _split(found: LookedAt, memory: RolloutMemory) -> tuple[Pods, Pods]:
    """Return the old pods and the new ones."""
    if found.live.get("kind") == "StatefulSet":
        return _split_stateful(found, memory)
    new = {text_at(one, "metadata", "uid") for one in found.replica_sets if _is_new_set(one, found, memory)}
    return [p for p in found.pods if _owner_uid(p) not in new], [p for p in found.pods if _owner_uid(p) in new]


def _split_stateful(found: LookedAt, memory: RolloutMemory) -> tuple[Pods, Pods]:
    """Tell pods apart by the revision that the StatefulSet updates to: of the new template, or of the old one again.

    Until its controller has seen the last change, that revision may be of the template before.
    """
    update = text_at(found.live, "status", "updateRevision")
    updated = [pod for pod in found.pods if text_at(pod, "metadata", "labels", _REVISION_HASH) == update]
    others = [pod for pod in found.pods if text_at(pod, "metadata", "labels", _REVISION_HASH) != update]
    if found.template is Template.NEW and _is_observed(found.live):
        memory.new_revisions.add(update)
    return (others, updated) if update in memory.new_revisions else (updated, others)


def _is_new_set(replica_set: Body, found: LookedAt, memory: RolloutMemory) -> bool:
    """Return whether a ReplicaSet makes pods of the new template."""
    template = mapping_at(replica_set, "spec", "template")
    labels = mapping_at(template, "metadata", "labels")
    meta = {**mapping_at(template, "metadata"), "labels": {k: v for k, v in labels.items() if k != _POD_TEMPLATE_HASH}}
    return memory.templates.is_new(ref_of(found.live), {**template, "metadata": meta})


def _wanted(found: LookedAt, memory: RolloutMemory) -> tuple[int, int]:
    """Return how many old and new pods the controllers want now."""
    if found.live.get("kind") == "StatefulSet":
        return _wanted_stateful(found)
    sizes = [(one, int_at(one, "spec", "replicas", default=1)) for one in found.replica_sets]
    new = sum(size for one, size in sizes if _is_new_set(one, found, memory))
    return sum(size for _, size in sizes) - new, new


def _wanted_stateful(found: LookedAt) -> tuple[int, int]:
    replicas = int_at(found.live, "spec", "replicas", default=1)
    if found.template is not Template.NEW:
        return replicas, 0
    partition = int_at(found.live, "spec", "updateStrategy", "rollingUpdate", "partition")
    return min(partition, replicas), max(replicas - partition, 0)


def _is_observed(live: Body) -> bool:
    return int_at(live, "status", "observedGeneration") >= int_at(live, "metadata", "generation")


def _is_settled(found: LookedAt, *counts: tuple[int, int]) -> bool:
    """Return whether the controllers have seen the last change, and there are as many pods as they want."""
    sets = [found.live, *found.replica_sets]
    return all(map(_is_observed, sets)) and all(wanted == there for wanted, there in counts)


def owners_of_pacing(live: Body) -> tuple[tuple[str, str], ...]:
    """Return the fields that hold a workload back and that other managers own, each with its owner."""
    return tuple((path, manager) for path, manager in owners_of(live) if path.startswith(_PACING))


def find_stuck_pods(wanted: Wanted, aborted: RevisionSummary, ports: Ports) -> Mapping[ObjectRef, Body]:
    """Return the new pods of stepped StatefulSets that are not ready.

    Args:
        wanted: the revision that comes back.
        aborted: the one that was rolled out.
        ports: the cluster and the records.
    """
    stepped = aborted.rollout.shares if aborted.rollout else {}
    sets = [one for one in wanted.manifests if is_stateful_set(one.ref) and one.component in stepped]
    if not sets:
        return {}
    revision = ports.store.load(aborted, with_sensitive=True)
    ports.redactor.learn(*revision.sensitive)
    new = {one.ref: one for one in revision.manifests}
    workloads = [
        SteppedWorkload(ref=one.ref, component=one.component, new=new[one.ref], old=one)
        for one in sets
        if one.ref in new
    ]
    return stuck_pods(workloads, ports, RolloutMemory(TemplateMemory(), PodAges(FailFast())))
