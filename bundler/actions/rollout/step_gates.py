"""Ask the gates of a step, in order, and report what each of them says. Layer: actions.

Gates that are checks of the bundle are Jobs, which run once for each step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from bundler.actions.change.checks import checks_of_record, checks_wanted, plan_checks
from bundler.actions.change.hook_wait import failure_lines
from bundler.actions.change.job_watch import JobWatch
from bundler.actions.change.write_object import ObjectWriter
from bundler.actions.release.recorded_parts import step_gates_of
from bundler.health.step_gates import PASSED, GateAnswer, ask
from bundler.health.workloads import job_health
from bundler.model.change import Action, Change
from bundler.model.events import GateJudged
from bundler.model.health import Health, Status
from bundler.model.hooks import hook_run, is_check
from bundler.model.lean import dataclass, replace
from bundler.model.rollout import GateOutcome, Rollout, SeenWorkload
from bundler.planning.gate_environment import step_environment, with_environment
from bundler.planning.hooks import of_run
from bundler.planning.jobs import is_job
from bundler.planning.step_rules import gates_of, is_check_of, named_objects

if TYPE_CHECKING:
    from bundler.actions.change.run_control import Guard
    from bundler.model.bundle import StepGate
    from bundler.model.json import Body
    from bundler.model.manifest import Manifest
    from bundler.model.refs import ObjectRef
    from bundler.model.release import Revision
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


class StepChecks:
    """Starts the Jobs of checks, and says how they are; never waits for one.

    A Job carries the name of its run, that of the revision and the step, so that another run of bundler finds what an
    earlier one has started. One that had failed by then is run again: someone has asked to continue.
    """

    def __init__(self, revision: Revision, ports: Ports, guard: Guard) -> None:
        """Prepare; nothing is asked or written yet.

        Args:
            revision: that is rolled out, with its sensitive values.
            ports: the cluster and the reporter.
            guard: stops the run, and lets writes begin.
        """
        self._revision, self._ports, self._guard = revision, ports, guard
        self._wanted = checks_of_record(revision)
        self._jobs = JobWatch(ports, self._wanted.uid, guard.memory)
        self._ours: set[tuple[str, ObjectRef]] = set()

    def ask(self, gate: StepGate, rollout: Rollout, new_pods: Iterable[Body]) -> GateAnswer:
        """Return how the Jobs of a gate are in a step; one after the other is started.

        Args:
            gate: which check.
            rollout: at the step that is checked.
            new_pods: that the gate is about, as they are now.

        Raises:
            BundlerError: when one cannot be written or read.
        """
        run = f"rollout-{self._revision.summary.revision}-step-{rollout.step}"
        variables = step_environment(rollout, new_pods)
        for job in self._jobs_of(gate):
            answer = self._ask_job(gate, with_environment(of_run(job, run), variables), run)
            if answer.outcome is not GateOutcome.PASSED:
                return answer
        return PASSED

    def _jobs_of(self, gate: StepGate) -> Iterator[Manifest]:
        return (one for one in self._revision.manifests if is_job(one.ref) and is_check_of(gate, one))

    def _ask_job(self, gate: StepGate, job: Manifest, run: str) -> GateAnswer:
        live, is_ours = self._ports.cluster.get(job.ref), (run, job.ref) in self._ours
        is_of_run = live is not None and hook_run(live) == run
        change = Change(ref=job.ref, action=Action.CREATE, component=job.component, desired=job)
        health = self._health(change, live if is_of_run else None, is_ours=is_ours)
        if health is None or (health.status is Status.FAILED and not is_ours):
            self._start(gate, job, run)
            return _waiting(job.ref, job_health(job.body).message)
        if health.status is Status.CURRENT:
            return PASSED
        self._ours.add((run, job.ref))
        if health.status is Status.IN_PROGRESS:
            return _waiting(job.ref, health.message)
        lines = tuple(failure_lines(change, live, self._ports)) if is_of_run and live else ()
        lines = lines or (f"check {job.ref.short} ({job.source}): {health.message}",)
        return GateAnswer(outcome=GateOutcome.FAILED, lines=lines)

    def _health(self, change: Change, live: Body | None, *, is_ours: bool) -> Health | None:
        """Return the health of this run's Job; None if it does not exist and this run never made it."""
        if live is None and not is_ours:
            return None
        return self._jobs.judge(change, live) or (job_health(live) if live is not None else None)

    def _start(self, gate: StepGate, job: Manifest, run: str) -> None:
        """Write a Job, and what it needs: the other objects of the checks of its bundle."""

        def is_chosen(one: Manifest) -> bool:
            return one.ref == job.ref or (is_check(one) and not is_job(one.ref) and one.component == gate.component)

        wanted = checks_wanted(self._wanted, self._revision, run=run, chosen=is_chosen)
        manifests = tuple(job if one.ref == job.ref else one for one in wanted.manifests)
        planned = plan_checks(replace(wanted, manifests=manifests), self._ports.cluster)
        writer = ObjectWriter(planned, self._ports, self._guard, self._guard.listening(self._ports.report))
        self._ours.add((run, job.ref))
        for change in sorted(planned.plan.changes, key=lambda one: is_job(one.ref)):
            if change.action is not Action.NONE:
                writer.carry_out(change)


def _waiting(ref: ObjectRef, why: str) -> GateAnswer:
    return GateAnswer(outcome=GateOutcome.WAITING, lines=(f"check {ref.short}: {why}",))
