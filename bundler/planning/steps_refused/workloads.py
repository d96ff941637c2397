"""Which workloads can be held at a share of new pods. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bundler.fields.pod_references import read_by
from bundler.model.change import Action, Change
from bundler.model.json import Body, text_at, value_at
from bundler.model.refs import ObjectRef
from bundler.planning.autoscale import AUTOSCALER_KINDS, target_of
from bundler.planning.claim_growth import is_stateful_set
from bundler.planning.order import is_custom
from bundler.planning.recreate import frozen_fields
from bundler.planning.steps_refused.case import (
    ALONE,
    LEAVE_OUT,
    Case,
    Reason,
    body_after,
    found_in,
    replicas_of,
    template_of,
    way_out,
)
from bundler.planning.steps_refused.room import surge_pods

_GO_BACK: Final = (
    "go back to the deployed revision first (`bundler rollback`, or `bundler drift --fix`), or upgrade without steps"
)
_UNPACED: Final = {
    "DaemonSet": "its controller would delete every old pod at once if it were held; it goes whole, in the finish",
    "Job": "it runs to its end, and has no old pods",
    "CronJob": "it starts pods by the clock, and has no old ones",
    "Pod": "it is a single pod",
    "ReplicaSet": "its controller does not replace pods when their template changes",
    "ReplicationController": "its controller does not replace pods when their template changes",
}
"""Why pods of other kinds than Deployments and StatefulSets cannot go in steps."""


def why_unpaced(change: Change) -> Reason:
    """Return why an object cannot go in steps whatever it changes, and what to do."""
    kind = change.ref.kind
    if why := _UNPACED.get(kind):
        return Reason(found_in(change, why), LEAVE_OUT)
    if is_custom(change.ref):
        said = f"pods of a {kind} are replaced by its operator, not by Kubernetes"
        return Reason(found_in(change, said), f"use what the operator of {kind} offers for updates in steps")
    return Reason(found_in(change, "it has no pods"), "name a component, a Deployment or a StatefulSet")


def unpaced_strategy(case: Case) -> Iterator[Reason]:
    """A controller can be held only while it replaces pods one after another."""
    for change in case.stepped:
        body, is_set = body_after(change), is_stateful_set(change.ref)
        strategy = "updateStrategy" if is_set else "strategy"
        kind = text_at(body, "spec", strategy, "type") or "RollingUpdate"
        if kind != "RollingUpdate":
            said = f"{kind} does not replace pods one after another"
            yield Reason(found_in(change, said, f".spec.{strategy}.type"), way_out(case, change))
        if value_at(body, "spec", "paused") is True:
            said = "it is paused, so that no pod of it is replaced (`kubectl rollout resume` ends that)"
            yield Reason(found_in(change, said, ".spec.paused"), way_out(case, change))


def too_few_pods(case: Case) -> Iterator[Reason]:
    """With no pod there is no share, and the one pod of a StatefulSet is all of it."""
    for change in case.stepped:
        replicas = replicas_of(change)
        if not replicas or value_at(body_after(change), "spec", "replicas") == 0:
            yield Reason(found_in(change, "it has no pods to replace", ".spec.replicas"), way_out(case, change))
        elif replicas == 1 and not _has_room(change):
            why = "a StatefulSet has" if is_stateful_set(change.ref) else "with maxSurge 0 there is"
            said = f"its only pod is all of it: {why} no new pod beside an old one"
            yield Reason(found_in(change, said, ".spec.replicas"), way_out(case, change))


def _has_room(change: Change) -> bool:
    return not is_stateful_set(change.ref) and surge_pods(body_after(change), 1) > 0


def other_templates(case: Case) -> Iterator[Reason]:
    """Steps lead from the deployed revision, and an abort back to it: pods of a third kind are none of either."""
    for change in case.stepped:
        for line in case.observation.strangers.get(change.ref, ()):
            said = f"its pods are not those of the deployed revision: {line}"
            yield Reason(found_in(change, said), _GO_BACK)


def autoscaled_sets(case: Case) -> Iterator[Reason]:
    """The partition of a StatefulSet is a number: what an autoscaler adds would all be new."""
    for change in case.stepped:
        if is_stateful_set(change.ref) and change.ref in case.observation.autoscaled:
            said = f"{_scaler_of(case, change.ref)} scales it, and every pod that it adds would be a new one"
            yield Reason(found_in(change, said, ".spec.replicas"), way_out(case, change))


def _scaler_of(case: Case, workload: ObjectRef) -> str:
    bodies = [*case.observation.live.items(), *((one.ref, body_after(one)) for one in case.changes)]
    found = sorted(
        ref.short
        for ref, body in bodies
        if (ref.group, ref.kind) in AUTOSCALER_KINDS and target_of(ref, body) == workload
    )
    return found[0] if found else "an autoscaler"


def made_again(case: Case) -> Iterator[Reason]:
    """What is deleted to be created again keeps no old pod."""
    for change in case.stepped:
        fields = [
            f".{path}"
            for path, _, _ in frozen_fields(change.before or {}, change.desired.body if change.desired else {})
        ]
        if change.action is Action.RECREATE or fields:
            fields = fields or [""]
            said = "it would have to be deleted and created again"
            yield from (Reason(found_in(change, said, field), ALONE) for field in fields)


def lost_claims(case: Case) -> Iterator[Reason]:
    """An abort brings no claim back."""
    gone = {one.ref: one for one in case.changes if one.action in {Action.DELETE, Action.RECREATE}}
    for change in case.stepped:
        bodies = (change.before, body_after(change))
        read = {name for body in bodies for name in _claims_in(change, body)}
        for name in sorted(read):
            claim = gone.get(ObjectRef("", "PersistentVolumeClaim", change.ref.namespace, name))
            if claim is not None:
                said = f"{change.ref.short} uses it, and an abort would not bring back what it holds"
                yield Reason(found_in(claim, said), ALONE)


def _claims_in(change: Change, body: Body | None) -> Iterator[str]:
    yield from (name for kind, name in read_by(template_of(change, body)) if kind == "PersistentVolumeClaim")
