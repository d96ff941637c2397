"""Ask the gates of a step, in order, and report what each of them says. Layer: actions."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from bundler.actions.release.recorded_parts import step_gates_of
from bundler.actions.rollout.step_checks import StepChecks
from bundler.health.step_gates import PASSED, GateAnswer, ask
from bundler.model.events import GateJudged
from bundler.model.lean import dataclass
from bundler.model.rollout import GateOutcome
from bundler.planning.step_rules import gates_of, named_objects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bundler.actions.change.run_control import Guard
    from bundler.model.bundle import StepGate
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef
    from bundler.model.release import Revision
    from bundler.model.rollout import Rollout, SeenWorkload
    from bundler.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesAnswer:
    """What the gates of a step say together."""

    outcome: GateOutcome
    """``passed`` where all have; ``failed`` where one will not; otherwise ``waiting``."""
    lines: tuple[str, ...] = ()
    """Why not, beginning with the gate that has not passed."""
    passed: tuple[str, ...] = ()
    """Names of the gates that have passed in this step: what :attr:`Rollout.passed` becomes."""


class StepGates:
    """The gates of a revision that is rolled out; one is made for a run, and asked again and again.

    They are asked once the pods of a step are there and have soaked. What has passed is recorded, so that the run that
    continues this one does not run a check again.
    """

    def __init__(self, revision: Revision, ports: Ports, guard: Guard) -> None:
        """Prepare; nothing is asked or written yet.

        Args:
            revision: that is rolled out, with its sensitive values.
            ports: the cluster, clock and reporter of the run.
            guard: stops the run, and lets writes begin.
        """
        self._gates, self._ports = step_gates_of(revision), ports
        self._refs = {entry.ref: entry.component for entry in revision.inventory}
        self._checks = StepChecks(revision, ports, guard)
        self._told: dict[str, GateJudged] = {}
        self._since_s: dict[tuple[int, str], float] = {}

    def ask(
        self,
        rollout: Rollout,
        seen: Sequence[SeenWorkload],
        new_pods: Mapping[ObjectRef, Sequence[Body]] = MappingProxyType({}),
    ) -> GatesAnswer:
        """Ask the gates of the step at which a rollout is, one after the other until one has not passed.

        An expression has to hold each time; a check that has passed in this step is not run again. Nothing is waited
        for: ask again while the answer is ``waiting``.

        Args:
            rollout: as it is recorded.
            seen: its workloads, now.
            new_pods: their new pods: a check gets their addresses.

        Raises:
            BundlerError: when a check cannot be written, or the cluster cannot be asked.
        """
        passed: list[str] = []
        for gate in gates_of(self._gates, rollout):
            own = [one for one in seen if gate.is_about(one.component)]
            pods = [pod for one in own for pod in new_pods.get(one.ref, ())]
            answer = self._ask(gate, rollout, seen, pods)
            answer = GateAnswer(outcome=answer.outcome, lines=tuple(map(self._ports.redactor.redact, answer.lines)))
            self._tell(gate, rollout, answer)
            if answer.outcome is not GateOutcome.PASSED:
                lines = _lines(gate, answer)
                return GatesAnswer(outcome=answer.outcome, lines=lines, passed=tuple(passed))
            passed.append(gate.name)
        return GatesAnswer(outcome=GateOutcome.PASSED, passed=tuple(passed))

    def _ask(self, gate: StepGate, rollout: Rollout, seen: Sequence[SeenWorkload], pods: Sequence[Body]) -> GateAnswer:
        if gate.job:
            return PASSED if gate.name in rollout.passed else self._checks.ask(gate, rollout, pods)
        return ask(gate, seen, self._objects(gate), rollout, self._ports.judge)

    def _objects(self, gate: StepGate) -> dict[str, Body]:
        """Return the live objects that an expression names; one that does not exist is left out."""
        named = named_objects(gate, self._refs)
        found = {name: self._ports.cluster.get(refs[0]) for name, refs in named.items() if len(refs) == 1}
        return {name: body for name, body in found.items() if body is not None}

    def _tell(self, gate: StepGate, rollout: Rollout, answer: GateAnswer) -> None:
        """Report what a gate says, where that is news."""
        now_s = self._ports.clock.monotonic()
        event = GateJudged(
            gate=gate.name,
            step=rollout.step,
            of=rollout.steps,
            outcome=answer.outcome,
            why=next(iter(answer.lines), ""),
            seconds=now_s - self._since_s.setdefault((rollout.step, gate.name), now_s),
        )
        before = self._told.get(gate.name)
        if before is None or (before.step, before.outcome, before.why) != (event.step, event.outcome, event.why):
            self._told[gate.name] = event
            self._ports.report(event)


def _lines(gate: StepGate, answer: GateAnswer) -> tuple[str, ...]:
    first, *more = answer.lines or ("it has not passed",)
    return (f"gate {gate.name} ({gate.source}): {first}", *more)
