"""One step of a rollout: look, do the next small thing, look again, until it is through. Layer: actions.

A step is through when its pods have stayed ready and its gates have passed. What is done next follows from what
is seen, so that any run can continue what another one left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, assert_never

from bundler.actions.rollout.failure import contested, step_failed
from bundler.actions.rollout.observe import RolloutMemory, SteppedWorkload, observe_rollout, owners_of_pacing
from bundler.actions.rollout.step_gates import GatesAnswer, StepGates
from bundler.errors.change import LockLostError
from bundler.errors.cluster import ConflictError
from bundler.model.events import Notice, PodsReplaced
from bundler.model.json import Body, mapping_at
from bundler.model.lean import dataclass, replace
from bundler.model.rollout import AskGates, Fail, Finished, GateOutcome, Hold, Look, Restore, RolloutState, Stop
from bundler.model.size import seconds
from bundler.planning.pacing import paced
from bundler.planning.payloads import following
from bundler.planning.rollout import next_action, once_held

if TYPE_CHECKING:
    from bundler.actions.change.run_control import Guard
    from bundler.actions.change.write_object import ObjectWriter
    from bundler.actions.release.run_record import RunRecord
    from bundler.model.change import Change
    from bundler.model.manifest import Manifest
    from bundler.model.refs import ObjectRef
    from bundler.model.rollout import Rollout, RolloutAction, SeenWorkload
    from bundler.model.steps import Advance
    from bundler.ports import Ports

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0
"""Between two looks while nothing moves."""
_HEAD_EVERY_S = 2.0
"""Between two looks at the record: someone may have paused the rollout in another session."""
_MOVES = frozenset({RolloutState.MOVING, RolloutState.SOAKING})
_TRIES = 3
"""Writes that someone else was quicker than, one after the other, before that ends the step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """What a run carries out the steps of a rollout with."""

    workloads: Sequence[SteppedWorkload]
    changes: Mapping[ObjectRef, Change]
    """Of these workloads, as they are planned for the finish."""
    writer: ObjectWriter
    guard: Guard
    record: RunRecord
    memory: RolloutMemory

    @property
    def rollout(self) -> Rollout:
        """The rollout as it was recorded or read last."""
        if self.record.rollout is None:
            raise AssertionError("no rollout is recorded")
        return self.record.rollout

    def move(self, rollout: Rollout) -> bool:
        """Move the record; return False where someone has paused the rollout meanwhile.

        Raises:
            LockLostError: when another run has written the record.
        """
        if self.rollout.state not in _MOVES:
            return False
        try:
            self.record.move(rollout)
        except ConflictError as error:
            if self.is_paused():
                return False
            raise LockLostError(
                "recording how far the rollout has come",
                context=[*error.context, "the record is not as this run left it"],
                hint="check `bundler history` for what the other run did, before you change the release again",
            ) from error
        return True

    def is_paused(self) -> bool:
        """Read the record again; return whether someone has said that nothing moves any more."""
        now = self.record.read_again()
        return now is None or now.state not in _MOVES


class OneStep:
    """Brings stepped workloads to their shares, and waits until the gates of the step have passed."""

    def __init__(self, step: Advance, rolling: Rolling, ports: Ports) -> None:
        """Begin; the record says already that this step moves.

        Args:
            step: of the plan.
            rolling: what the run carries out its steps with.
            ports: the cluster and the clock.
        """
        rollout = rolling.rollout
        self._step, self._rolling, self._ports = step, rolling, ports
        now_s = ports.clock.monotonic()
        self._ends_s = now_s + rollout.step_timeout_s + rollout.soak_s
        self._head_s, self._pause_s = now_s, _FIRST_PAUSE_S
        self._soak, self._gates = Soak(rolling, ports), StepGates(rolling.record.revision, ports, rolling.guard)
        self._told: dict[ObjectRef, PodsReplaced] = {}
        self._seen: tuple[SeenWorkload, ...] = ()
        self._tries = 0

    def to_the_end(self) -> bool:
        """Return True once the gates of the step have passed, and False where someone has paused the rollout.

        Raises:
            StepFailedError, RolloutContestedError, InterruptedRunError, LockLostError.
        """
        action: RolloutAction | None = None
        while True:
            # Many workloads are written one after the other, and looked at together.
            if isinstance(action, Hold) and self._tries == 0:
                self._seen = once_held(self._seen, action)
            else:
                self._look()
            action = self._next()
            if isinstance(action, AskGates) and self._soak.is_over(self._seen):
                answer = self._gates.ask(self._rolling.rollout, self._seen, self._rolling.memory.new_pods)
                is_moved = self._note(answer.passed)
                if answer.outcome is GateOutcome.PASSED:
                    return is_moved
                action = _after(answer)
            elif not isinstance(action, AskGates):
                self._soak.reset()
            if not self._do(action):
                return False

    def _note(self, passed: tuple[str, ...]) -> bool:
        """Record which gates have passed; return False where someone has paused the rollout."""
        rollout = self._rolling.rollout
        return passed == rollout.passed or self._rolling.move(replace(rollout, passed=passed))

    def _do(self, action: RolloutAction) -> bool:
        """Do the next small thing; return False where the rollout is paused."""
        match action:
            case Hold():
                return self._hold(action)
            case Look():
                return self._wait(action.waiting)
            case AskGates():
                return self._wait(())
            case Fail():
                raise step_failed(self._step, self._rolling, self._ports, self._seen, action.lines)
            case Stop():
                raise contested(self._step, self._rolling, action.lines)
            case Restore() | Finished():
                return False
            case _:
                assert_never(action)

    def _next(self) -> RolloutAction:
        """Return what is to be done; while pods soak they are looked at as while they move."""
        gone = [one.ref for one in self._rolling.workloads if one.ref not in self._rolling.memory.live]
        if gone:
            return Stop(lines=tuple(f"{ref.short} no longer exists: someone deleted it" for ref in gone))
        return next_action(replace(self._rolling.rollout, state=RolloutState.MOVING), self._seen)

    def _look(self) -> None:
        self._seen = observe_rollout(self._rolling.workloads, self._ports, self._rolling.memory)
        for seen in self._seen:
            self._tell(seen)

    def _tell(self, seen: SeenWorkload) -> None:
        """Report how far a workload is, where that is news."""
        rollout = self._rolling.rollout
        event = PodsReplaced(
            ref=seen.ref,
            component=seen.component,
            step=self._step.number,
            of=rollout.steps,
            target=rollout.share(seen.component, self._step.number).pods(seen.replicas),
            new=seen.new.there,
            new_ready=seen.new.ready,
            old=seen.old.there,
            old_ready=seen.old.ready,
        )
        if self._told.get(seen.ref) != event:
            self._told[seen.ref] = event
            self._pause_s = _FIRST_PAUSE_S
            self._ports.report(event)

    def _hold(self, action: Hold) -> bool:
        """Write a workload with its pacing, unless someone has paused the rollout.

        Where someone else was quicker, the next look says what that means.
        """
        self._rolling.guard.check()
        if self._rolling.is_paused():
            return False
        ref = action.ref
        change, live = self._rolling.changes[ref], self._rolling.memory.live[ref]
        wanted = _with_live_replicas(next(one.new for one in self._rolling.workloads if one.ref == ref), live)
        if action.reason:
            self._ports.report(Notice(f"{ref.short}: {action.reason}"))
            self._rolling.memory.put_back.add(ref)
        try:
            self._rolling.writer.hold(change, paced(wanted, action.pacing), live, owners_of_pacing(live))
        except ConflictError:
            self._tries += 1
            if self._tries >= _TRIES:
                raise
        else:
            self._tries = 0
        self._pause_s = _FIRST_PAUSE_S
        return True

    def _wait(self, waiting: Sequence[str]) -> bool:
        """Return True when it is time to look again, and False where someone has paused the rollout.

        Raises:
            StepFailedError: when the time of the step is over.
            InterruptedRunError, LockLostError: when the run must not continue.
        """
        clock = self._ports.clock
        if clock.monotonic() >= self._ends_s:
            rollout = self._rolling.rollout
            first, *more = waiting or (f"its pods have not stayed ready for {rollout.soak_s} s without a break",)
            lines = (f"{first}; still so after {rollout.step_timeout_s} s (--step-timeout)", *more)
            raise step_failed(self._step, self._rolling, self._ports, self._seen, lines)
        self._rolling.guard.check()
        clock.sleep(min(self._pause_s, max(self._ends_s - clock.monotonic(), 0.01)))
        self._pause_s = min(self._pause_s * 1.5, _LONGEST_PAUSE_S)
        if clock.monotonic() - self._head_s < _HEAD_EVERY_S:
            return True
        self._head_s = clock.monotonic()
        return not self._rolling.is_paused()


def _after(answer: GatesAnswer) -> Fail | Look:
    """Return what follows where not all gates have passed."""
    return Fail(lines=answer.lines) if answer.outcome is GateOutcome.FAILED else Look(waiting=answer.lines)


def _with_live_replicas(manifest: Manifest, live: Body) -> Manifest:
    """Return a manifest with the live number of replicas, where it has one: another number waits for the finish."""
    return following(manifest, live) if "replicas" in mapping_at(manifest.body, "spec") else manifest


class Soak:
    """Measures for how long everything has been ready without a break; a pod that restarts begins it again."""

    def __init__(self, rolling: Rolling, ports: Ports) -> None:
        """Prepare; it has not begun."""
        self._rolling, self._ports = rolling, ports
        self._since_s: float | None = None

    def reset(self) -> None:
        """Begin again when everything is ready again."""
        if self._since_s is not None:
            self._ports.report(Notice("something is no longer ready: the soak begins again once it is"))
        self._since_s = None

    def is_over(self, seen: Sequence[SeenWorkload]) -> bool:
        """Return whether everything, ready now, has been so for long enough.

        Args:
            seen: the workloads of the step.
        """
        rollout, now_s = self._rolling.rollout, self._rolling.memory.ages.now_s
        if not rollout.soak_s:
            return True
        if self._since_s is None:
            self._begin(rollout, now_s)
        youngest_s = min((one.new.oldest_ready_s for one in seen if one.new.there), default=0.0)
        since_s = max(self._since_s or now_s, now_s - youngest_s)
        if since_s > (self._since_s or now_s):
            self._ports.report(Notice("a new pod was not ready, or started again: the soak begins again"))
        self._since_s = since_s
        return now_s - since_s >= rollout.soak_s

    def _begin(self, rollout: Rollout, now_s: float) -> None:
        self._since_s = now_s
        if rollout.state is RolloutState.SOAKING:
            return
        step = f"step {rollout.step} of {rollout.steps}"
        self._ports.report(Notice(f"{step}: its pods are ready, and have to stay so for {seconds(rollout.soak_s)}"))
        self._rolling.move(replace(rollout, state=RolloutState.SOAKING))
