"""Health of one object by its own fields, in kstatus's words and by its rules. Layer: rules, pure.

Source: sigs.k8s.io/cli-utils, pkg/kstatus/README.md and pkg/kstatus/status.
Where we differ from it, and why: docs/readiness.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from bundler.health import others, workloads
from bundler.health.author import author_health
from bundler.health.custom import custom_resource_health, has_no_status
from bundler.health.generic import (
    check_conditions,
    check_deletion,
    check_generation,
    check_ready,
    check_troubles,
    current,
)
from bundler.model.health import Health, Status
from bundler.model.json import Body, mapping_at
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.model.bundle import ReadinessRule

JudgeByRule: TypeAlias = "Callable[[ReadinessRule, Body], Health]"
LONG_AGO_S: Final = 3600.0

_RULES: Final[Mapping[tuple[str, str], Callable[[Body], Health]]] = {
    ("apps", "Deployment"): workloads.deployment_health,
    ("apps", "StatefulSet"): workloads.stateful_set_health,
    ("apps", "DaemonSet"): workloads.daemon_set_health,
    ("apps", "ReplicaSet"): workloads.replica_set_health,
    ("", "Pod"): workloads.pod_health,
    ("batch", "Job"): workloads.job_health,
    ("", "PersistentVolumeClaim"): others.claim_health,
    ("", "Namespace"): others.namespace_health,
    ("snapshot.storage.k8s.io", "VolumeSnapshot"): others.snapshot_health,
    ("policy", "PodDisruptionBudget"): others.disruption_budget_health,
    ("autoscaling", "HorizontalPodAutoscaler"): others.autoscaler_health,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): others.definition_health,
    ("apiregistration.k8s.io", "APIService"): others.api_service_health,
}
_BUILT_IN_GROUPS: Final = frozenset({"", "apps", "autoscaling", "batch", "extensions", "policy"})
_BUILT_IN_KUBERNETES_GROUPS: Final = frozenset({
    "admissionregistration", "apiextensions", "apiregistration", "authentication", "authorization", "certificates",
    "coordination", "discovery", "events", "flowcontrol.apiserver", "internal.apiserver", "networking", "node",
    "rbac.authorization", "resource", "scheduling", "storage", "storagemigration",
})  # fmt: skip


def compute_health(
    ref: ObjectRef,
    body: Body,
    *,
    rules: Sequence[ReadinessRule] = (),
    age_s: float = LONG_AGO_S,
    min_generation: int = 0,
    judge: JudgeByRule = author_health,
) -> Health:
    """Judge one object by its own fields.

    Args:
        ref: its identity.
        body: an object as the API returns it, ``status`` included.
        rules: the author's readiness rules; the first that matches decides in place of ours.
        age_s: seconds since it was written or first waited for; ends the grace of objects that may never say a word.
        judge: judges by such a rule.
        min_generation: generation of our own write; anything older that a cache returns is not ready.

    Source: sigs.k8s.io/cli-utils, pkg/kstatus/README.md; docs/readiness.md lists the differences.
    """
    early = check_deletion(body) or check_generation(body, min_generation)
    if early:
        return early
    rule = next((rule for rule in rules if _matches(rule, ref)), None)
    if rule:
        return judge(rule, body)
    return check_conditions(body) or _judge(ref, body, age_s)


def without_operators(judge: JudgeByRule) -> JudgeByRule:
    """Return what judges by rules where no operator runs: a custom object without a status is not waited for there."""

    def judged(rule: ReadinessRule, body: Body) -> Health:
        health = judge(rule, body)
        if health.status is not Status.IN_PROGRESS or is_built_in(rule.group) or mapping_at(body, "status"):
            return health
        why = "no operator runs in the embedded cluster, so no one writes the status that its rule asks for"
        return Health(Status.UNKNOWN, f"{why} ({rule.ready})")

    return judged


def _matches(rule: ReadinessRule, ref: ObjectRef) -> bool:
    return (rule.group, rule.kind) == (ref.group, ref.kind) and rule.name in {"", ref.name}


def _judge(ref: ObjectRef, body: Body, age_s: float) -> Health:
    if (ref.group, ref.kind) == ("", "Service"):
        return others.service_health(body, age_s)
    if own := _RULES.get((ref.group, ref.kind)):
        return own(body)
    if judged := check_ready(body) or check_troubles(body):
        return judged
    if is_built_in(ref.group):
        return current("exists")
    if has_no_status(ref.group, ref.kind):
        return current("exists; objects of its kind have no status")
    return custom_resource_health(ref, body, age_s)


def is_built_in(group: str) -> bool:
    """Return whether Kubernetes itself serves the group; names under k8s.io alone do not say so (Gateway API)."""
    return group in _BUILT_IN_GROUPS or (
        group.endswith(".k8s.io") and group.removesuffix(".k8s.io") in _BUILT_IN_KUBERNETES_GROUPS
    )
