"""Why a pod is not ready, and whether that is final. Layer: rules, pure.

A pod says what is wrong only in the states of its containers. Three reasons cannot resolve themselves and end a wait at
once; others repeat (an image that cannot be pulled, a process that crashes) and may recover when what they depend on
arrives, so they end a wait only after several failures in a row *and* some time (:class:`FailFast`).
"""

from __future__ import annotations

from collections.abc import Iterator

from bundler.model.json import Body, int_at, items_at, mapping_at, text_at
from bundler.model.lean import dataclass

TERMINAL_REASONS = frozenset({"ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError"})
IMAGE_REASONS = frozenset({"ImagePullBackOff", "ErrImagePull", "ImageInspectError", "RegistryUnavailable"})
CRASH_REASONS = frozenset({"CrashLoopBackOff", "RunContainerError", "CreateContainerError", "PostStartHookError"})
FIRST_BACKOFF_S = 10.0
"""The kubelet waits 10 s after the first failed pull and doubles from there. Source: kubernetes.io, "Images"."""
MAX_MESSAGE_CHARS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PodProblem:
    """What keeps a pod from being ready."""

    reason: str
    """The kubelet's or scheduler's word: ``ImagePullBackOff``, ``Unschedulable``, ``NotReady``."""
    message: str = ""
    container: str = ""
    """Empty where it is about the pod as a whole."""
    exit_code: int | None = None
    """Of the last end of the container; None where it never ended."""
    restarts: int = 0
    is_terminal_now: bool = False
    """Waiting cannot help."""
    is_repeating: bool = False
    """Final once it has repeated often and long enough."""

    def __str__(self) -> str:
        facts = [] if self.exit_code is None else [f"exit {self.exit_code}"]
        facts += [f"{self.restarts} restarts"] if self.restarts else []
        head = self.reason + (f" ({', '.join(facts)})" if facts else "")
        return f"{head}: {self.message}" if self.message else head


@dataclass(frozen=True, slots=True, kw_only=True)
class FailFast:
    """When a repeating failure counts as final."""

    is_on: bool = True
    min_failures: int = 3
    min_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PodHistory:
    """What was seen of one pod in this run."""

    failing_since_s: float | None = None
    """Monotonic; None while nothing repeats."""
    restarts_before: int = 0
    """Restarts from before the failure; they are of another time."""


def pod_problem(pod: Body) -> PodProblem | None:
    """Return why a pod is not ready; None for one that is ready, done, or simply on its way.

    Args:
        pod: a Pod as the API returns it.
    """
    if text_at(pod, "status", "phase") == "Succeeded":
        return None
    found = [problem for item in containers_in(pod) if (problem := _container_problem(item, pod))]
    found += [problem for problem in (_pod_failure(pod), _unscheduled(pod)) if problem]
    return min(found, key=_rank, default=None)


def _rank(problem: PodProblem) -> int:
    """Order problems: what is final, then what repeats, then what only waits."""
    return 0 if problem.is_terminal_now else 1 if problem.is_repeating else 2


def containers_in(pod: Body) -> Iterator[Body]:
    """Yield the status of each container, init containers first."""
    yield from items_at(pod, "status", "initContainerStatuses")
    yield from items_at(pod, "status", "containerStatuses")


def has_started(pod: Body, container: str) -> bool:
    """Return whether a container runs or ever ran; one that never did has no log."""
    for item in containers_in(pod):
        if text_at(item, "name") == container:
            states = (*mapping_at(item, "state"), *mapping_at(item, "lastState"))
            return "running" in states or "terminated" in states
    return False


def _container_problem(item: Body, pod: Body) -> PodProblem | None:
    waiting = text_at(item, "state", "waiting", "reason")
    if waiting in TERMINAL_REASONS | IMAGE_REASONS | CRASH_REASONS:
        return _waiting_problem(item, waiting)
    ended = mapping_at(item, "state", "terminated")
    if ended:
        return _ended_problem(item, ended, pod) if ended.get("exitCode") != 0 else None
    if "running" not in mapping_at(item, "state") or item.get("ready") is True:
        return None
    last = mapping_at(item, "lastState", "terminated")
    if last and last.get("exitCode") != 0:
        return _ended_problem(item, last, pod)
    is_initial = item in items_at(pod, "status", "initContainerStatuses")
    return None if is_initial else _make(item, "NotReady", "its readiness probe has not succeeded")


def _waiting_problem(item: Body, reason: str) -> PodProblem:
    ended = mapping_at(item, "lastState", "terminated")
    message = text_at(item, "state", "waiting", "message")
    if ended and reason in CRASH_REASONS:
        message = last_words(ended) or message
    return _make(
        item,
        reason,
        message,
        ended=ended,
        is_terminal_now=reason in TERMINAL_REASONS,
        is_repeating=reason not in TERMINAL_REASONS,
    )


def _ended_problem(item: Body, ended: Body, pod: Body) -> PodProblem:
    """Describe a container that ended badly; one that is started again may do so again."""
    is_restarted = text_at(pod, "spec", "restartPolicy") != "Never"
    reason = text_at(ended, "reason") or "Error"
    return _make(item, reason, text_at(ended, "message"), ended=ended, is_repeating=is_restarted)


def last_words(ended: Body) -> str:
    """Return why a container ended: the kubelet's word, and the container's own."""
    reason, message = text_at(ended, "reason"), text_at(ended, "message")
    return ": ".join(part for part in ("" if reason == "Error" else reason, message) if part)


def _make(
    item: Body,
    reason: str,
    message: str,
    *,
    ended: Body | None = None,
    is_terminal_now: bool = False,
    is_repeating: bool = False,
) -> PodProblem:
    return PodProblem(
        reason=reason,
        message=message[:MAX_MESSAGE_CHARS],
        container=text_at(item, "name"),
        exit_code=int_at(ended, "exitCode") if ended else None,
        restarts=int_at(item, "restartCount"),
        is_terminal_now=is_terminal_now,
        is_repeating=is_repeating,
    )


def _pod_failure(pod: Body) -> PodProblem | None:
    if text_at(pod, "status", "phase") != "Failed":
        return None
    reason = text_at(pod, "status", "reason") or "Failed"
    return PodProblem(reason=reason, message=text_at(pod, "status", "message")[:MAX_MESSAGE_CHARS])


def _unscheduled(pod: Body) -> PodProblem | None:
    for found in items_at(pod, "status", "conditions"):
        if found.get("type") == "PodScheduled" and found.get("status") == "False":
            reason = text_at(found, "reason") or "Unschedulable"
            return PodProblem(reason=reason, message=text_at(found, "message")[:MAX_MESSAGE_CHARS])
    return None


def observe_pod(history: PodHistory, pod: Body, *, now_s: float) -> PodHistory:
    """Return the history after one more look at the pod.

    Args:
        history: from the look before; ``PodHistory()`` for a pod made by this run.
        pod: a Pod as the API returns it.
        now_s: monotonic time of the look.
    """
    problem = pod_problem(pod)
    if problem is None or not problem.is_repeating:
        restarts = sum(int_at(item, "restartCount") for item in containers_in(pod))
        return PodHistory(restarts_before=restarts)
    if history.failing_since_s is not None:
        return history
    return PodHistory(failing_since_s=now_s, restarts_before=min(history.restarts_before, problem.restarts))


def is_final(problem: PodProblem, history: PodHistory, *, now_s: float, rules: FailFast) -> bool:
    """Return whether waiting for this pod any longer is of no use.

    Args:
        problem: what is wrong with the pod.
        history: of the pod.
        now_s: seconds since the epoch.
        rules: when to give up early.
    """
    if not rules.is_on:
        return False
    if problem.is_terminal_now:
        return True
    if not problem.is_repeating or history.failing_since_s is None:
        return False
    elapsed_s = now_s - history.failing_since_s
    return elapsed_s >= rules.min_s and _failures(problem, history, elapsed_s) >= rules.min_failures


def _failures(problem: PodProblem, history: PodHistory, elapsed_s: float) -> int:
    """Count failures in a row. Pulls are not counted by the API; the kubelet's back-off tells how many there were."""
    if problem.reason not in IMAGE_REASONS:
        return problem.restarts - history.restarts_before + 1
    pulls, next_s = 1, FIRST_BACKOFF_S
    while next_s <= elapsed_s:
        pulls, next_s = pulls + 1, next_s * 2 + FIRST_BACKOFF_S
    return pulls
