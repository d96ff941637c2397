"""Watch a release for a while after it became ready: what fails then is a failed change. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.actions.change.diagnostics import Unready, gather_evidence
from bundler.actions.change.list_watch import list_what_answers
from bundler.actions.change.pod_watch import list_newest_pods, pod_selector
from bundler.errors import Again
from bundler.errors.change import ProbationFailedError
from bundler.health.compute import compute_health
from bundler.health.probation import NEW_POD, record_of, relapse
from bundler.model.change import Action, Change
from bundler.model.events import Notice
from bundler.model.health import Health, Status
from bundler.model.json import Body, mapping_at, text_at
from bundler.model.lean import replace
from bundler.model.size import counted, seconds
from bundler.planning.jobs import is_job

if TYPE_CHECKING:
    from bundler.actions.change.run_control import Guard
    from bundler.actions.change.wait import WaitRules
    from bundler.health.pods import PodProblem
    from bundler.model.refs import ObjectRef
    from bundler.ports import Ports

_LOOK_EVERY_S = 5.0
_TELL_EVERY_S = 10.0, 60.0
"""At least and at most between two lines that say how much time is left; a quarter of a short probation."""
_TICK_S = 0.5
"""Between two questions whether the run may continue."""
_GONE = Health(Status.NOT_FOUND, "it no longer exists")


def stay_on_probation(changes: Sequence[Change], ports: Ports, rules: WaitRules, guard: Guard) -> None:
    """Return when the release has stayed ready for ``rules.watch_s``.

    Args:
        changes: of the plan; their objects are ready.
        ports: the cluster, clock and reporter; their time does not end before the probation.
        rules: how long, and how readiness is judged.
        guard: stops the watch when the run must not continue.

    Raises:
        ProbationFailedError: when a container restarted, or an object is no longer ready, with the evidence.
        InterruptedRunError, LockLostError: when the run must not continue.
    """
    probation = _Probation(changes, ports, rules)
    clock = ports.clock
    ends_s = clock.monotonic() + rules.watch_s
    tell_every_s = min(max(rules.watch_s / 4, _TELL_EVERY_S[0]), _TELL_EVERY_S[1])
    told_s = look_s = clock.monotonic()
    while (now_s := clock.monotonic()) < ends_s:
        if now_s >= told_s:
            ports.report(Notice(f"on probation for another {seconds(ends_s - now_s)}: {probation.said}"))
            told_s = now_s + tell_every_s
        guard.check()
        clock.sleep(min(_TICK_S, ends_s - now_s))
        if clock.monotonic() - look_s >= _LOOK_EVERY_S:
            look_s = clock.monotonic()
            probation.look()
    probation.look(is_last=True)
    ports.report(Notice(f"probation is over: {probation.said}"))


class _Probation:
    """What was ready when the probation began, and what has become of it."""

    def __init__(self, changes: Sequence[Change], ports: Ports, rules: WaitRules) -> None:
        self._ports, self._rules = ports, rules
        wanted = [one for one in changes if one.action is not Action.DELETE and one.desired and one.hook is None]
        self._changes = {change.ref: change for change in wanted if not is_job(change.ref)}
        live, _ = self._live()
        judged = {ref: self._health(ref, body) for ref, body in live.items()}
        self._ready = {ref: health for ref, health in judged.items() if health.status is Status.CURRENT}
        self._changes = {ref: self._changes[ref] for ref in self._ready if "status" in live[ref]}
        self._sees_pods = False
        self._pods = {_uid(pod): record_of(pod) for _, pod in self._pods_of(live)}

    @property
    def said(self) -> str:
        """What is watched, in words."""
        return f"{counted(len(self._changes), 'object')} and {counted(len(self._pods), 'pod')} have stayed ready"

    def look(self, *, is_last: bool = False) -> None:
        """Compare what is live with what it was.

        Raises:
            ProbationFailedError: when anything failed.
        """
        live, silent = self._live()
        problems = self._problems(live)
        asked = [ref for ref in self._changes if ref not in silent]
        health = {ref: self._health(ref, live[ref]) if ref in live else _GONE for ref in asked}
        failed = [ref for ref in health if ref in problems or self._is_worse(ref, health[ref], is_last=is_last)]
        if not failed:
            return
        unready = [Unready(change=self._changes[ref], health=health[ref], body=live.get(ref)) for ref in failed]
        raise ProbationFailedError(
            f"watching {counted(len(self._changes), 'object')} after they became ready (--watch-for)",
            context=gather_evidence(unready, _Troubled(problems), self._ports),
            hint=Again("fix what is named above and ", after=self._rules.way_back),
        )

    def _problems(self, live: Mapping[ObjectRef, Body]) -> Mapping[ObjectRef, tuple[Body, PodProblem]]:
        found: dict[ObjectRef, tuple[Body, PodProblem]] = {}
        for ref, pod in self._pods_of(live):
            before = self._pods.get(_uid(pod), NEW_POD)
            problem = relapse(before, pod)
            if problem is not None:
                found.setdefault(ref, (pod, problem))
            self._pods[_uid(pod)] = before if before.ready_since else replace(record_of(pod), restarts=before.restarts)
        return found

    def _is_worse(self, ref: ObjectRef, health: Health, *, is_last: bool) -> bool:
        """Return whether an object failed, is gone, or has not come back to what it was by the end.

        In between, a workload may have more pods that are not ready yet, or one fewer that was moved.
        """
        if health.status in {Status.FAILED, Status.NOT_FOUND}:
            return True
        is_less = health.status is Status.IN_PROGRESS and (health.ready or 0) < (self._ready[ref].ready or 1)
        return is_less and (is_last or not self._sees_pods)

    def _live(self) -> tuple[Mapping[ObjectRef, Body], Mapping[ObjectRef, str]]:
        return list_what_answers(self._changes, self._ports, uid=self._rules.uid)

    def _health(self, ref: ObjectRef, body: Body) -> Health:
        return compute_health(ref, body, rules=self._rules.readiness, judge=self._ports.judge)

    def _pods_of(self, live: Mapping[ObjectRef, Body]) -> Iterator[tuple[ObjectRef, Body]]:
        workloads = {ref: body for ref, body in live.items() if mapping_at(body, "spec", "template", "spec")}
        selecting = {ref: body for ref, body in workloads.items() if pod_selector(body)}
        for ref, pods in list_newest_pods(self._ports, selecting):
            self._sees_pods |= bool(pods)
            yield from ((ref, pod) for pod in pods)
        yield from ((ref, body) for ref, body in live.items() if (ref.group, ref.kind) == ("", "Pod"))


class _Troubled:
    """The pods that evidence is about."""

    def __init__(self, problems: Mapping[ObjectRef, tuple[Body, PodProblem]]) -> None:
        self._problems = problems

    def troubled(self, ref: ObjectRef) -> tuple[Body, PodProblem] | None:
        """Return a pod of a workload, and its problem."""
        return self._problems.get(ref)

    def claims(self, pod: Body, problem: PodProblem) -> Mapping[str, str]:
        """Return no claim: the pod ran already."""
        del pod, problem
        return {}


def _uid(pod: Body) -> str:
    return text_at(pod, "metadata", "uid")
