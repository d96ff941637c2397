"""What a pod that was ready may not do while its release is on probation. Layer: rules, pure."""

from __future__ import annotations

from collections.abc import Mapping

from bundler.health.pods import PodProblem, containers_in, last_words, pod_problem
from bundler.model.cluster import is_deleting
from bundler.model.json import Body, int_at, items_at, mapping_at, text_at
from bundler.model.lean import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRecord:
    """What was seen of one pod."""

    restarts: Mapping[str, int] = field(default_factory=dict)
    """By container."""
    ready_since: str = ""
    """Empty where it was not ready."""


NEW_POD = PodRecord()
"""Of a pod that came during the probation: it has not restarted, and was not ready yet."""


def record_of(pod: Body) -> PodRecord:
    """Return what a pod is measured by from now on."""
    restarts = {text_at(item, "name"): int_at(item, "restartCount") for item in containers_in(pod)}
    return PodRecord(restarts=restarts, ready_since=_ready_since(pod))


def relapse(before: PodRecord, pod: Body) -> PodProblem | None:
    """Return what a pod did since that it may not: a container started again, or it was not ready any more.

    A pod that is on its way out did nothing: it was moved, or there are fewer of them now.

    Args:
        before: the pod when the probation began, or when it was seen first.
        pod: as it is now.
    """
    if is_deleting(pod):
        return None
    for item in containers_in(pod):
        restarts = int_at(item, "restartCount")
        if restarts > before.restarts.get(text_at(item, "name"), 0):
            return _restarted(item, restarts)
    if not before.ready_since or _ready_since(pod) == before.ready_since:
        return None
    return pod_problem(pod) or PodProblem(reason="NotReady", message="it was ready, and then it was not")


def _restarted(item: Body, restarts: int) -> PodProblem:
    ended = mapping_at(item, "lastState", "terminated") or mapping_at(item, "state", "terminated")
    return PodProblem(
        reason=text_at(item, "state", "waiting", "reason") or "Restarted",
        message=last_words(ended),
        container=text_at(item, "name"),
        exit_code=int_at(ended, "exitCode") if ended else None,
        restarts=restarts,
    )


def _ready_since(pod: Body) -> str:
    for condition in items_at(pod, "status", "conditions"):
        if condition.get("type") == "Ready" and condition.get("status") == "True":
            return text_at(condition, "lastTransitionTime") or "ready"
    return ""
