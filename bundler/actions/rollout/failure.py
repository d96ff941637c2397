"""What is said and recorded of a run that failed, and of a step that ended badly: which pods, why, and what to do.

Layer: actions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.actions.change.diagnostics import Unready, gather_evidence
from bundler.actions.change.pod_watch import ClaimWatch
from bundler.actions.rollout.observe import RolloutMemory, owners_of_pacing
from bundler.errors import BundlerError, Found, InterruptedRunError
from bundler.errors.change import LockLostError, RolloutContestedError, StepFailedError
from bundler.errors.cluster import ConflictError, UnauthorizedError, UnavailableError
from bundler.health.pods import PodProblem, pod_problem
from bundler.model.events import Notice
from bundler.model.health import Health, Status
from bundler.model.lean import replace
from bundler.model.rollout import OnFailure, RolloutState, SeenWorkload
from bundler.model.size import shortened

if TYPE_CHECKING:
    from bundler.actions.release.run_record import RunRecord
    from bundler.actions.rollout.one_step import Rolling
    from bundler.model.json import Body
    from bundler.model.redaction import Redactor
    from bundler.model.refs import ObjectRef
    from bundler.model.release import RevisionSummary
    from bundler.model.steps import Advance
    from bundler.ports import Ports

_UNREACHED = (UnavailableError, UnauthorizedError)
"""The cluster could not be asked: that says nothing of the new pods, which stay where they are."""


def note_open_failure(record: RunRecord, error: BundlerError, ports: Ports) -> BundlerError:
    """Record why a step failed, and pause where that was asked for; return the error that says what can be done.

    The revision stays pending with its rollout: nothing moves on by itself, and every state has a verb that leaves it.

    Args:
        record: of the run; a rollout is open in it.
        error: what ended the run.
        ports: the records.

    Raises:
        LockLostError: when the lock turns out to be lost.
    """
    summary = record.revision.summary
    if isinstance(error, LockLostError):
        return error
    if isinstance(error, InterruptedRunError):
        return error.with_context(where_it_is(summary), hint=f"run {ways_on(summary)}")
    if isinstance(error, ConflictError):
        hint = f"find out who changed it, and why; then run {ways_on(summary)}"
        return error.with_context(where_it_is(summary), hint=hint)
    if isinstance(error, _UNREACHED):
        return error.with_context(where_it_is(summary), hint=f"{error.hint}; then run {ways_on(summary)}")
    if is_step_failure(error) and summary.rollout and summary.rollout.state is not RolloutState.ABORTING:
        _note(record, error, ports)
    return error


def is_step_failure(error: BundlerError) -> bool:
    """Return whether an error means that the new revision failed, and not that another manager writes its objects."""
    return not isinstance(
        error, (InterruptedRunError, LockLostError, RolloutContestedError, ConflictError, *_UNREACHED)
    )


def where_it_is(summary: RevisionSummary) -> str:
    """Return in a line how far a rollout has come, and that it stays there."""
    rollout = summary.rollout
    if rollout is None:
        return ""
    step = f"step {rollout.step} of {rollout.steps}"
    return f"revision {summary.revision} is at {step} ({rollout.state}); nothing moves on until someone continues it"


def ways_on(summary: RevisionSummary) -> str:
    """Return the commands that leave a rollout that stays where it is."""
    place = f"{summary.release} -n {summary.namespace}"
    return f"`bundler continue {place}` to continue it, or `bundler abort {place}` to go back"


def _note(record: RunRecord, error: BundlerError, ports: Ports) -> None:
    cause, evidence = cause_of(error, ports.redactor), evidence_of(error, ports.redactor)
    try:
        record.explain(cause, evidence)
        rollout = record.rollout
        if rollout is not None and rollout.on_failure is OnFailure.PAUSE:
            record.move(replace(rollout, state=RolloutState.PAUSED, reason=cause))
    except LockLostError as lost:
        raise lost.with_context(*error.context) from lost
    except BundlerError as unwritten:
        ports.report(Notice(f"the record could not say why the step failed: {unwritten}"))


def step_failed(
    step: Advance, rolling: Rolling, ports: Ports, seen: Sequence[SeenWorkload], lines: Sequence[str]
) -> StepFailedError:
    """Return the error of a step whose pods or gates failed, with what explains it.

    Args:
        step: of the plan.
        rolling: the rollout, and what was seen of its pods.
        ports: where events and logs are read.
        seen: the workloads as they were seen last.
        lines: why it failed.
    """
    unready = [one for one in seen if one.new.ready < one.new.wanted or one.new.failed]
    objects = [
        Unready(change=rolling.changes[one.ref], health=_health(one), body=rolling.memory.live.get(one.ref))
        for one in unready
    ]
    evidence = gather_evidence(objects, _NewPods(rolling.memory, ports), ports)
    ways = ways_on(rolling.record.revision.summary)
    return StepFailedError(_doing(step, rolling), context=[*lines, *evidence], hint=f"fix the cause, then run {ways}")


def contested(step: Advance, rolling: Rolling, lines: Sequence[str]) -> RolloutContestedError:
    """Return the error of a step whose workload another manager wrote.

    Args:
        step: of the plan.
        rolling: the rollout, and what was seen of its workloads.
        lines: what was found.
    """
    found = [line for ref, live in sorted(rolling.memory.live.items()) for line in _others(ref, live, rolling)]
    ways = ways_on(rolling.record.revision.summary)
    hint = f"find out who changed it, and why; then run {ways}"
    return RolloutContestedError(_doing(step, rolling), context=[*lines, *found], hint=hint)


def _doing(step: Advance, rolling: Rolling) -> str:
    summary = rolling.record.revision.summary
    return f"carrying out step {step.number} of {rolling.rollout.steps} of the upgrade of {summary.release}"


def _others(ref: ObjectRef, live: Body, rolling: Rolling) -> Sequence[str]:
    pacing = [f"{path} is set by {manager or 'someone'}" for path, manager in owners_of_pacing(live)]
    return [f"  {ref.short}: {line}" for line in (*rolling.memory.templates.strangers(ref), *pacing)]


def _health(seen: SeenWorkload) -> Health:
    status = Status.FAILED if seen.new.failed else Status.IN_PROGRESS
    message = f"{seen.new.there} of {seen.replicas} pods are new, {seen.new.ready} of them ready"
    return Health(status, message, seen.new.ready, seen.new.wanted)


class _NewPods:
    """The new pods that evidence is about."""

    def __init__(self, memory: RolloutMemory, ports: Ports) -> None:
        self._memory, self._claims = memory, ClaimWatch(ports)

    def troubled(self, ref: ObjectRef) -> tuple[Body, PodProblem] | None:
        """Return a new pod of a workload that is in trouble, one that failed for good first, and its problem."""
        pods = self._memory.new_pods.get(ref, ())
        found = [(pod, problem) for pod in pods if (problem := pod_problem(pod)) is not None]
        final = [one for one in found if self._memory.ages.final_problem(one[0]) is not None]
        return next(iter([*final, *found]), None)

    def claims(self, pod: Body, problem: PodProblem) -> Mapping[str, str]:
        """Return name and state of the claims that hold a pod up."""
        return self._claims.problems(pod, problem)


_EVIDENCE_CHARS = 65_536
_CAUSE_CHARS = 240
"""Of a reason in the columns; the whole of it is in the record."""


def cause_of(error: BundlerError, redactor: Redactor) -> str:
    """Return in a line what ended a run: the first object named, and its pod's reason; the rest is the evidence."""
    first, more = error.context[:1], error.context[1:]
    pods = [line.strip() for line in more if isinstance(line, Found) and line.subject.startswith("Pod/")]
    cause = "; ".join((*first, *pods[:1])) or str(error)
    return redactor.redact(f"{error.code}: {shortened(cause, _CAUSE_CHARS)}")


def evidence_of(error: BundlerError, redactor: Redactor) -> str:
    """Return the report that was printed."""
    return redactor.redact("\n".join([str(error), *error.context]))[:_EVIDENCE_CHARS]
