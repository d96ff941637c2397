"""Carry out a plan: each of its steps, when those that it needs are done. Layer: actions.

What must come before what is said by the plan, and by nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeGuard, assert_never

from bundler.actions.change.delete_propagation import refs_in_foreground
from bundler.actions.change.graph import run_graph, side_by_side
from bundler.actions.change.hook_wait import deletion_of, wait_for_hooks
from bundler.actions.change.list_watch import list_live
from bundler.actions.change.probation import stay_on_probation
from bundler.actions.change.run_control import WRITES_AT_ONCE, Guard
from bundler.actions.change.wait import WaitRules, wait_until_gone, wait_until_ready
from bundler.actions.change.write_object import ObjectWriter, Progress
from bundler.errors import Again, BundlerError, Found, InterruptedRunError, field_of
from bundler.errors.change import RejectedObjectsError, WaitError
from bundler.errors.cluster import ClusterError
from bundler.model.definition import kind_of, served_versions
from bundler.model.events import Notice, PhaseStarted
from bundler.model.lean import replace
from bundler.model.size import counted
from bundler.model.steps import Advance, Await, Delete, Discard, Moment, Pause, Record, RunJob, Until, Verify, Write
from bundler.planning.stuck_pods import is_stuck_pod

if TYPE_CHECKING:
    from bundler.actions.change.make_plan import Planned
    from bundler.model.change import Change
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef
    from bundler.model.steps import Step, Target
    from bundler.ports import ClusterClient, Ports

_SCHEMA_LAG_S = 5.0
"""An API server serves a new kind, or goes by its new schema, a moment after it called the CRD established."""


class Stepping(Protocol):
    """Carries out the steps of a rollout."""

    @property
    def step_s(self) -> float:
        """How long one step may take, in seconds."""
        ...

    @property
    def held(self) -> Sequence[Change]:
        """What was written as a step holds it."""
        ...

    def __call__(self, step: Advance | Pause, ports: Ports, /) -> bool:
        """Do a step; return whether the run continues; False: it pauses here."""
        ...


class Executor:
    """Carries out one plan. What made the plan (install, rollback, uninstall) is none of its business."""

    def __init__(
        self,
        planned: Planned,
        ports: Ports,
        guard: Guard,
        rules: WaitRules,
        record: Callable[[Moment], None],
        stepping: Stepping | None = None,
    ) -> None:
        """Prepare; nothing is written yet.

        Args:
            planned: the plan, with the bodies that its steps name.
            ports: the cluster and everything else outside.
            guard: says when the run must not continue.
            rules: how it waits.
            record: writes the release's record.
            stepping: carries out the steps of a rollout; None for a plan without any.
        """
        self._plan, self._ports = planned.plan, ports
        self._guard, self._rules, self._record = guard, rules, record
        self._report = guard.listening(ports.report)
        self._changes = {change.ref: change for change in planned.plan.changes}
        self._writer = ObjectWriter(planned, ports, guard, self._report)
        self._to_delete = sum(len(step.targets) for step in filter(self._is_pruning, planned.plan.steps))
        self._before_steps = _before_steps(planned.plan.steps)
        self._gone = 0
        self._has_begun_deleting = False
        self._check, self._stepping = rules.check, stepping
        self._is_paused = False
        self._watch_s = 0.0 if planned.plan.is_removal else rules.watch_s

    @property
    def progress(self) -> Progress:
        """What the run wrote so far."""
        if self._stepping is not None:
            self._writer.progress.held = [*self._stepping.held]
        return self._writer.progress

    def run(self) -> bool:
        """Do every step of the plan; return whether it ended early, in good order, to be continued later.

        Raises:
            BundlerError: whatever ended the run, with what explains every component that was not ready then;
                ``progress`` says how far it came.
        """
        try:
            run_graph(self._plan.steps, self._explained, stop=self._guard.stop)
        except BundlerError as error:
            if self._is_paused and isinstance(error, InterruptedRunError):
                return True
            raise error.with_context(*self._guard.memory.evidence_besides(error.context)) from error
        return False

    def _explained(self, step: Step) -> None:
        """Do a step; of several waits that fail at the same time, what explains each is kept."""
        try:
            self._do(step)
        except WaitError as error:
            self._guard.memory.explain(error.context)
            raise

    def _do(self, step: Step) -> None:
        if self._is_pruning(step) or (isinstance(step, Record) and step.moment is Moment.DONE):
            self._check_once()
            self._watch_once()
        match step:
            case Record():
                self._write_record(step)
            case Verify():
                self._verify(step)
            case Write():
                self._write(step.targets)
            case RunJob():
                self._write([step.target])
            case Await():
                self._await(step)
            case Delete():
                self._delete(step)
            case Discard():
                self._discard(step)
            case Advance() | Pause():
                self._step_by_step(step)
            case _:
                assert_never(step)

    def _step_by_step(self, step: Advance | Pause) -> None:
        """Do a step of a rollout; where it pauses, everything after it is left to a later run."""
        if self._stepping is not None and isinstance(step, Advance):
            self._prolong(self._stepping.step_s)
        if self._stepping is not None and self._stepping(step, self._ports):
            return
        self._is_paused = self._stepping is not None
        raise InterruptedRunError(
            "carrying out the plan",
            context=[f"the plan pauses here: {step.reason if isinstance(step, Pause) else step.id}"],
            hint=Again(words="run the same command again; it continues where it stopped"),
        )

    def _is_pruning(self, step: Step) -> TypeGuard[Delete]:
        """Return whether a step deletes what is no longer wanted, rather than pods that are in the way."""
        return isinstance(step, Delete) and not any(map(is_stuck_pod, self._of(one.ref for one in step.targets)))

    def _of(self, refs: Iterable[ObjectRef]) -> list[Change]:
        return [self._changes[ref] for ref in refs]

    def _write_record(self, step: Record) -> None:
        self._record(step.moment)
        if step.moment is Moment.BEGUN:
            plan, steps = self._plan, self._plan.steps
            jobs = sum(isinstance(one, RunJob) for one in steps)
            total = jobs + sum(len(one.targets) for one in steps if isinstance(one, Write))
            self._report(PhaseStarted("applying", total, hooks=plan.hooks_written, backups=plan.backups_written))

    def _check_once(self) -> None:
        check, self._check = self._check, None
        if check is not None:
            check(self._guard)

    def _watch_once(self) -> None:
        """Let everything stay ready for a while, before anything is deleted; that takes no time of the command."""
        watch_s, self._watch_s = self._watch_s, 0.0
        if not watch_s:
            return
        self._prolong(watch_s)
        stay_on_probation(self._plan.changes, self._ports, self._rules, self._guard)

    def _prolong(self, more_s: float) -> None:
        """Give the command more time, for what is bounded by itself."""
        self._ports = replace(self._ports, deadline_s=self._ports.deadline_s + more_s)
        self._ports.prolong(self._ports.deadline_s)
        self._guard.prolong(self._ports)

    def _verify(self, step: Verify) -> None:
        """Dry-run what could not be checked before; all of it, before any other object is written."""
        changes, cluster = self._of(step.refs), self._ports.cluster
        ends_s = self._ports.clock.monotonic() + _SCHEMA_LAG_S
        while problems := self._problems(changes):
            if self._ports.clock.monotonic() >= ends_s:
                raise RejectedObjectsError(
                    f"checking objects {step.which}",
                    context=sorted(problems),
                    hint=f"{step.written}; fix the bundle and run this again",
                )
            self._guard.check()
            self._ports.clock.sleep(_SCHEMA_LAG_S / 20)
            cluster.forget_discovery()

    def _problems(self, changes: Sequence[Change]) -> list[Found]:
        problems: list[Found] = []
        for change in changes:
            try:
                self._ports.cluster.apply(self._writer.payload(change), is_dry_run=True)
            except BundlerError as error:
                problems += [_about(change, line) for line in error.context or (str(error),)]
        return problems

    def _write(self, targets: Iterable[Target]) -> None:
        """Write objects, always in other threads: a second Ctrl-C ends the waiting for an answer, not the request."""
        side_by_side(self._writer.carry_out, self._of(target.ref for target in targets), at_once=WRITES_AT_ONCE)

    def _await(self, step: Await) -> None:
        changes = self._of(step.refs)
        match step.until:
            case Until.READY:
                if self._rules.waits or step.id in self._before_steps:
                    wait_until_ready(changes, self._ports, self._rules, self._guard)
            case Until.COMPLETE if all(change.hook is None for change in changes):
                wait_until_ready(changes, self._ports, self._rules, self._guard)
            case Until.COMPLETE:
                wait_for_hooks(changes, self._ports, self._rules.or_with("--no-hooks"), self._guard)
            case Until.SUCCEEDED:
                wait_until_ready(changes, self._ports, self._rules.or_with("--no-backup"), self._guard)
                names = ", ".join(change.ref.short for change in changes)
                self._report(Notice(f"what may be lost is backed up: {names}"))
            case Until.ESTABLISHED:
                wait_until_ready(changes, self._ports, self._rules, self._guard)
                self._await_served(changes)
            case Until.GONE:
                wait_until_gone(changes, self._ports, self._guard, around=self._plan.changes)
                self._say_gone(len(changes))
            case _:
                assert_never(step.until)

    def _await_served(self, definitions: Sequence[Change]) -> None:
        """Ask what is served until it has the kinds of new definitions: the answer is kept for the next commands."""
        bodies = [change.desired.body for change in definitions if change.desired is not None]
        cluster, clock = self._ports.cluster, self._ports.clock
        ends_s = clock.monotonic() + _SCHEMA_LAG_S
        cluster.forget_discovery()
        while not all(_is_served(body, cluster) for body in bodies) and clock.monotonic() < ends_s:
            self._guard.check()
            clock.sleep(_SCHEMA_LAG_S / 20)
            cluster.forget_discovery()

    def _delete(self, step: Delete) -> None:
        if self._is_pruning(step) and not self._has_begun_deleting:
            self._has_begun_deleting = True
            self._guard.confirm_lock()
            self._report(PhaseStarted("pruning", self._to_delete))
        owning = self._of(target.ref for target in step.targets if target.waits_for_owned)
        slow = refs_in_foreground(owning, self._ports)

        def delete(change: Change) -> None:
            self._writer.carry_out(change, propagation="Foreground" if change.ref in slow else "Background")

        side_by_side(delete, self._of(target.ref for target in step.targets), at_once=WRITES_AT_ONCE)

    def _discard(self, step: Discard) -> None:
        """Delete what hooks have left; an earlier try may have done so."""
        live = list_live(step.refs, self._ports, uid=self._rules.uid)
        deletes = [deletion_of(self._changes[ref], body) for ref, body in sorted(live.items())]
        side_by_side(self._writer.carry_out, deletes, at_once=WRITES_AT_ONCE)
        wait_until_gone(deletes, self._ports, self._guard)

    def _say_gone(self, number: int) -> None:
        self._gone += number
        if self._gone == self._to_delete:
            self._report(Notice(f"{counted(self._gone, 'object')} deleted"))


def _before_steps(steps: Sequence[Step]) -> frozenset[str]:
    """Return the names of what comes before the steps of a rollout: they begin when what they need is ready."""
    first = next((number for number, step in enumerate(steps) if isinstance(step, Advance)), 0)
    return frozenset(step.id for step in steps[:first])


def _is_served(definition: Body, cluster: ClusterClient) -> bool:
    """Return whether the server says that it serves a kind, in all its versions."""
    group, kind = kind_of(definition)
    try:
        return all(cluster.resource_type(group, kind, version) for version in served_versions(definition))
    except ClusterError:
        return False


def _about(change: Change, line: str) -> Found:
    """Return a line of the server's refusal that says which object it is about, and where that is written."""
    short = change.ref.short
    message, field = f"{short}: {line}", field_of(line)
    if change.desired is None:
        return Found(message, subject=short, field=field)
    return change.desired.source.found(message, subject=short, field=field)
