"""How long pods have been ready, by our own clock, and which of them failed for good. Layer: rules, pure.

What a controller says of pods that are available does not help while a rollout holds it: nothing is available then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bundler.health.pods import FailFast, PodHistory, PodProblem, containers_in, is_final, observe_pod, pod_problem
from bundler.model.json import Body, int_at, items_at, text_at
from bundler.model.rollout import PodCount

_ENDED = frozenset({"Succeeded", "Failed"})


def is_active(pod: Body) -> bool:
    """Return whether a pod counts for its controller: one that ended, or was evicted, does not."""
    return text_at(pod, "status", "phase") not in _ENDED


def is_ready(pod: Body) -> bool:
    """Return whether a pod is ready."""
    conditions = items_at(pod, "status", "conditions")
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def restarts_of(pod: Body) -> int:
    """Return how often the containers of a pod have started again."""
    return sum(int_at(item, "restartCount") for item in containers_in(pod))


class PodAges:
    """What one run has seen of pods, look after look."""

    def __init__(self, fail_fast: FailFast) -> None:
        """Begin; no pod has been seen."""
        self._fail_fast = fail_fast
        self._ready_since_s: dict[str, float] = {}
        self._restarts: dict[str, int] = {}
        self._histories: dict[str, PodHistory] = {}
        self._found_ready = frozenset[str]()
        self._began_s: float | None = None
        self.now_s = 0.0
        """Monotonic time of the last look."""

    def look(self, now_s: float, pods: Iterable[Body]) -> None:
        """Take note of all pods of all workloads, as they are now.

        Args:
            now_s: monotonic time of the look.
            pods: those on their way out left out.
        """
        there = {_uid(pod): pod for pod in pods}
        self.now_s = now_s
        self._ready_since_s = {uid: self._since_s(uid, pod) for uid, pod in there.items() if is_ready(pod)}
        self._restarts = {uid: restarts_of(pod) for uid, pod in there.items()}
        self._histories = {uid: self._history(uid, pod) for uid, pod in there.items()}
        if self._began_s is None:
            self._began_s, self._found_ready = now_s, frozenset(self._ready_since_s)

    def count(self, pods: Sequence[Body], *, wanted: int, min_ready_s: float, is_new: bool) -> PodCount:
        """Return what is seen of the old or of the new pods of a workload.

        An old pod that was ready when the run began counts at once: it has served before.

        Args:
            pods: of the last look.
            wanted: how many its controller wants.
            min_ready_s: the author's ``minReadySeconds``.
            is_new: whether they are new ones.
        """
        ages = {
            uid: self.now_s - since for pod in pods if (since := self._ready_since_s.get(uid := _uid(pod))) is not None
        }
        problems = [(pod, problem) for pod in pods if (problem := self.final_problem(pod))]
        ready = [uid for uid, age in ages.items() if age >= min_ready_s or (not is_new and uid in self._found_ready)]
        return PodCount(
            wanted=wanted,
            there=len(pods),
            ready=len(ready),
            restarts=sum(self._restarts[_uid(pod)] for pod in pods),
            oldest_ready_s=min(ages.values(), default=0.0),
            failed=tuple(f"pod {text_at(pod, 'metadata', 'name')}: {problem}" for pod, problem in problems),
        )

    def final_problem(self, pod: Body) -> PodProblem | None:
        """Return why waiting for a pod is of no use; None where it may become ready."""
        problem, history = pod_problem(pod), self._histories.get(_uid(pod), PodHistory())
        if problem is None or not is_final(problem, history, now_s=self.now_s, rules=self._fail_fast):
            return None
        return problem

    def _since_s(self, uid: str, pod: Body) -> float:
        """Return since when a pod has been ready without a break; a restart breaks it, even between two looks."""
        has_restarted = restarts_of(pod) > self._restarts.get(uid, restarts_of(pod))
        return self.now_s if has_restarted else self._ready_since_s.get(uid, self.now_s)

    def _history(self, uid: str, pod: Body) -> PodHistory:
        return observe_pod(self._histories.get(uid, PodHistory()), pod, now_s=self.now_s)


def _uid(pod: Body) -> str:
    return text_at(pod, "metadata", "uid")
