"""What the record says when a run ends within a rollout. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.release.failure_text import cause_of, evidence_of
from bundler.errors import BundlerError, InterruptedRunError
from bundler.errors.change import LockLostError, RolloutContestedError
from bundler.errors.cluster import ConflictError, UnauthorizedError, UnavailableError
from bundler.model.events import Notice
from bundler.model.lean import replace
from bundler.model.rollout import OnFailure, RolloutState

if TYPE_CHECKING:
    from bundler.actions.release.run_record import RunRecord
    from bundler.model.release import RevisionSummary
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
