"""Wait until objects are ready, or gone, and say why they are not, and who would have to act. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.actions.change.diagnostics import Unready, gather_evidence
from bundler.actions.change.job_watch import JobWatch
from bundler.actions.change.list_watch import Lookout
from bundler.actions.change.pod_watch import PodWatch
from bundler.errors import Again, BundlerError, InterruptedRunError
from bundler.errors.change import ObjectFailedError, WaitTimeoutError
from bundler.fields.rights import find_controllers
from bundler.health.age import unchanged_s
from bundler.health.compute import compute_health
from bundler.health.pods import FailFast
from bundler.model.change import Action, Change
from bundler.model.events import HealthChanged, PhaseStarted, Warned
from bundler.model.health import Health, Status
from bundler.model.json import Body, int_at, list_at, text_at
from bundler.model.labels import RELEASE_UID
from bundler.model.lean import dataclass, field, replace
from bundler.model.size import counted
from bundler.planning.jobs import is_job
from bundler.planning.order import is_custom
from bundler.planning.ownership import lost_its_label

if TYPE_CHECKING:
    from bundler.actions.change.run_control import Guard
    from bundler.model.bundle import ReadinessRule
    from bundler.model.refs import ObjectRef
    from bundler.ports import Ports

_STUCK_S = 30.0
"""A deletion that takes longer is spoken of while it is waited for."""
_STUCK_TOLD = 5
_NOT_THERE = Health(Status.NOT_FOUND, "it does not exist")


def _forget(jobs: Collection[ObjectRef]) -> None:
    """Where nothing is changed, nothing is recorded."""
    del jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitRules:
    """How a run waits."""

    uid: str
    """The release's uid: what is waited for is listed by it."""
    waits: bool = True
    tells_logs: bool = False
    """Report what the Jobs of hooks printed."""
    check: Callable[[Guard], None] | None = None
    """Checks the release once it is ready, before anything is deleted."""
    watch_s: float = 0.0
    """Seconds that everything has to stay ready before anything is deleted and the revision is deployed."""
    readiness: Sequence[ReadinessRule] = ()
    fail_fast: FailFast = field(default_factory=FailFast)
    release: str = ""
    """How a command line names the release that is changed: ``shop -n prod``; empty where it is only waited for."""
    restores: str = "run the same command again"
    """What makes an object again that was deleted, as a hint begins."""
    way_back: str = ""
    """What to do about a failure other than to repair it: ``, or go back: ...``; empty where there is no way back."""
    finished_jobs: frozenset[ObjectRef] = frozenset()
    """Jobs that have run before: they are not waited for where they are gone."""
    note_finished: Callable[[Collection[ObjectRef]], None] = _forget
    """Called for Jobs as soon as they have finished."""

    def or_with(self, flag: str) -> WaitRules:
        """Return rules for something that a flag does without."""
        return replace(self, way_back=f"{self.way_back}; `{flag}` does without it")


def wait_until_ready(changes: Sequence[Change], ports: Ports, rules: WaitRules, guard: Guard) -> None:
    """Return when every object is ready.

    Args:
        changes: whose objects are waited for.
        ports: the cluster, records, clock and reporter of the run.
        rules: how long and how strictly to wait.
        guard: stops the wait when the run must not continue.

    Raises:
        ObjectFailedError: when one failed for good, with what its pods, events and logs say.
        WaitTimeoutError: when the command's budget ended first, with the same of every unready object.
        InterruptedRunError, LockLostError: when the run must not continue.
    """
    wanted = [c for c in changes if c.action is not Action.DELETE and c.desired is not None]
    targets = [c for c in wanted if c.action is not Action.NONE or c.before or c.ref not in rules.finished_jobs]
    if targets:
        ports.report(PhaseStarted("waiting", len(targets)))
        is_unlabelled = any(change.before and lost_its_label(change.before) for change in targets)
        uid = "" if is_unlabelled else rules.uid  # what lost its label is in no list by it
        with Lookout(ports, guard, uid=uid, bears_silence=True) as lookout:
            _Wait({change.ref: change for change in targets}, ports, rules, lookout, guard).until_ready()


class _Wait:
    """One wait: what is still open, what it looked like last."""

    def __init__(
        self, open_ones: dict[ObjectRef, Change], ports: Ports, rules: WaitRules, lookout: Lookout, guard: Guard
    ) -> None:
        self._open, self._ports, self._rules, self._lookout = open_ones, ports, rules, lookout
        self._guard, self._memory = guard, guard.memory
        self._since_s = ports.clock.monotonic()
        self._jobs = JobWatch(ports, rules.uid, guard.memory)
        self._health: dict[ObjectRef, Health] = {}
        self._bodies: Mapping[ObjectRef, Body] = {}
        self._pods = PodWatch(ports, rules.fail_fast)

    def until_ready(self) -> None:
        """Look again and again until nothing is open."""
        while True:
            self._look()
            if not self._open:
                return
            self._stop_for_failures()
            if self._ports.remaining_s() <= 0:
                number = counted(len(self._open), "object")
                raise WaitTimeoutError(
                    f"waiting for {number}; the time of the whole command ran out in this phase",
                    context=self._evidence(list(self._open)),
                    hint=self._way_on(),
                )
            self._continue()

    def _way_on(self) -> str:
        """Return what to do about objects that are not ready in time: more time does not bring back what is gone."""
        if not any(self._health[ref] is _NOT_THERE for ref in self._open):
            return _more_time(self._rules.release)
        return Again(words=f"{self._rules.restores}, which makes what does not exist")

    def _continue(self) -> None:
        """Return when it is time to look again; where another component failed, keep what explains this one first."""
        try:
            self._guard.check()
            self._lookout.rest()
        except InterruptedRunError:
            if self._guard.has_failed:
                self._memory.explain(self._evidence(list(self._open)))
            raise

    def _look(self) -> None:
        self._bodies = self._lookout.look(self._open)
        self._pods.look(self._bodies, age_s=self._ports.clock.monotonic() - self._since_s)
        found = {ref: self._judge(change, self._bodies.get(ref)) for ref, change in self._open.items()}
        if finished := self._jobs.take_finished():
            self._rules.note_finished(finished)
        for ref, health in found.items():
            self._note(ref, health)

    def _judge(self, change: Change, body: Body | None) -> Health:
        if silence := self._lookout.silence(change.ref):
            return Health(Status.IN_PROGRESS, silence)
        if is_job(change.ref) and (health := self._jobs.judge(change, body)) is not None:
            return health
        if body is None:
            return _NOT_THERE
        age_s, judge = self._age_s(change, body), self._ports.judge
        return compute_health(change.ref, body, rules=self._rules.readiness, age_s=age_s, judge=judge)

    def _age_s(self, change: Change, body: Body) -> float:
        """Return how long an object has been as it is: what this run left alone may be older than the run."""
        now_s = self._ports.clock.monotonic()
        waited_s = now_s - self._memory.since_s(change.ref, now_s)
        is_old = change.action is Action.NONE
        return max(waited_s, unchanged_s(body, self._ports.clock.now())) if is_old else waited_s

    def _note(self, ref: ObjectRef, health: Health) -> None:
        detail = self._pods.detail(ref)
        if self._health.get(ref) != health or self._pods.is_news(ref):
            self._ports.report(HealthChanged(ref, health, detail))
        self._health[ref] = health
        warning = f"not waited for: {health.message}" if health.status is Status.UNKNOWN else health.warning
        if warning and self._memory.is_news(ref, warning):
            self._ports.report(Warned(f"{ref.short}: {warning}"))
        if health.status in {Status.CURRENT, Status.UNKNOWN}:
            del self._open[ref]

    def _stop_for_failures(self) -> None:
        failed = [ref for ref in self._open if self._health[ref].status is Status.FAILED or self._pods.is_final(ref)]
        if failed:
            raise ObjectFailedError(
                "waiting for objects that failed for good",
                context=self._evidence(failed),
                hint=Again("fix what is named above and ", after=self._rules.way_back),
            )

    def _evidence(self, refs: Iterable[ObjectRef]) -> tuple[str, ...]:
        unready = [
            Unready(change=self._open[ref], health=self._health[ref], body=self._bodies.get(ref)) for ref in refs
        ]
        return gather_evidence(unready, self._pods, self._ports)


def wait_until_gone(changes: Sequence[Change], ports: Ports, guard: Guard, *, around: Sequence[Change] = ()) -> None:
    """Return when none of the objects, as they were, is there any more.

    Args:
        changes: what was deleted.
        ports: to look, and to tell.
        guard: says when the run must not continue.
        around: all changes of the plan: who should have let go of an object is looked for among them.

    Raises:
        WaitTimeoutError: with the finalizers that hold what is left.
        InterruptedRunError, LockLostError: when the run must not continue.
    """
    left = {change.ref: change for change in changes}
    uids = {text_at(change.before, "metadata", "labels", RELEASE_UID) for change in changes}
    uid = uids.pop() if len(uids) == 1 else ""  # what lost its label is in no list by it
    began_s, is_told = ports.clock.monotonic(), False

    def reasons(bodies: Mapping[ObjectRef, Body]) -> list[str]:
        waited_s = ports.clock.monotonic() - began_s
        return [why_not_gone(ref, bodies[ref], waited_s=waited_s, around=around, ports=ports) for ref in sorted(bodies)]

    with Lookout(ports, guard, uid=uid, metadata_only=True) as lookout:
        while bodies := _remains(left, lookout):
            left = {ref: left[ref] for ref in bodies}
            if ports.remaining_s() <= 0:
                raise WaitTimeoutError(
                    f"waiting until {counted(len(left), 'deleted object')} {'is' if len(left) == 1 else 'are'} gone",
                    context=reasons(bodies),
                    hint=Again(after=" once the cause is fixed; nothing is lost"),
                )
            guard.check()
            if not is_told and ports.clock.monotonic() - began_s >= _STUCK_S:
                is_told = True
                for line in reasons(dict(sorted(bodies.items())[:_STUCK_TOLD])):
                    ports.report(Warned(line))
            lookout.rest()


def _remains(left: Mapping[ObjectRef, Change], lookout: Lookout) -> Mapping[ObjectRef, Body]:
    """Return those objects that are still the ones that were deleted: same name and same uid."""
    found = lookout.look(left)
    return {ref: body for ref, body in found.items() if text_at(body, "metadata", "uid") == _old_uid(left[ref])}


def _old_uid(change: Change) -> str:
    return change.live_uid or text_at(change.before, "metadata", "uid")


def why_not_gone(ref: ObjectRef, body: Body, *, waited_s: float, around: Iterable[Change], ports: Ports) -> str:
    """Return one line: the object, for how long, its finalizers, and the state of its controller.

    Args:
        ref: the object.
        body: as it is now; metadata is enough.
        waited_s: since it was deleted, in seconds.
        around: all changes of the plan; the controller is looked for among them.
        ports: to look at the controller.
    """
    names = ", ".join(str(name) for name in list_at(body, "metadata", "finalizers"))
    parts = [f"{ref.short} still terminating after {waited_s:.0f}s", f"finalizer {names}" if names else "no finalizer"]
    if names and is_custom(ref):
        parts += _controllers(ref, around, ports)
    return ": ".join(parts)


def _controllers(ref: ObjectRef, around: Iterable[Change], ports: Ports) -> list[str]:
    bodies = {one.ref: one.desired.body if one.desired else one.before or {} for one in around}
    told = [_state_of(found, ref.namespace, ports) for found in find_controllers(ref.group, bodies)]
    return [", ".join(told)] if told else []


def _state_of(controller: ObjectRef, namespace: str, ports: Ports) -> str:
    where = "" if controller.namespace == namespace else f" in {controller.namespace}"
    try:
        live = ports.cluster.get(controller)
    except BundlerError:
        return f"{controller.short}{where} may look after it"
    if live is None:
        return f"{controller.short}{where} is gone"
    ready = counted(int_at(live, "status", "readyReplicas"), "ready replica")
    return f"{controller.short}{where} has {ready}"


def _more_time(release: str) -> str:
    again = f"run `bundler wait {release}` to continue waiting, or " if release else ""
    return f"{again}give more time with --timeout"
