"""How a run records a rollout that an earlier run began. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.change.run_control import recording
from bundler.actions.release.run_record import Course, NewRevision
from bundler.model.lean import replace
from bundler.model.release import ReleaseStatus, Revision, RevisionSummary
from bundler.model.rollout import RolloutState

if TYPE_CHECKING:
    from bundler.actions.release.lifecycle import RunOptions
    from bundler.actions.release.proposal import Proposal
    from bundler.ports import HeldLock, Ports


def course_of(proposal: Proposal, ports: Ports, options: RunOptions, held: HeldLock) -> Course:
    """Return which revision a run is of: a new one, one whose rollout it continues, or one that it goes back from.

    Args:
        proposal: its draft says which.
        ports: the records and the clock.
        options: how the change is carried out.
        held: the lock.
    """
    draft = proposal.drafted
    if draft.aborts is not None:
        return AbortedRevision(draft.aborts, proposal, ports, held)
    if draft.revision.summary.revision:
        return ContinuedRevision(proposal, ports, options, held)
    return NewRevision(proposal, ports, options, held)


class ContinuedRevision(NewRevision):
    """A run that continues a recorded revision at the step that its draft names."""

    def begin(self) -> Revision:
        """Record that the rollout moves again."""
        revision = self._proposal.drafted.revision
        head = self._proposal.history.find(revision.summary.revision)
        rollout = revision.summary.rollout
        with recording(self._held, f"recording that the rollout of revision {head.revision} continues"):
            moving = rollout and replace(rollout, state=RolloutState.MOVING, since=None, reason="")
            return replace(revision, summary=self._ports.store.move(head, moving))


class AbortedRevision:
    """A run that brings the deployed revision back: the one that was rolled out ends as failed."""

    def __init__(self, aborted: RevisionSummary, proposal: Proposal, ports: Ports, held: HeldLock) -> None:
        """Prepare; nothing is recorded yet.

        Args:
            aborted: the revision whose rollout ends; its rollout says by whom, and why.
            proposal: the plan that brings the deployed revision back.
            ports: the records.
            held: the lock.
        """
        self._aborted, self._proposal, self._ports, self._held = aborted, proposal, ports, held

    def begin(self) -> Revision:
        """Record that the rollout goes back."""
        store, head = self._ports.store, self._proposal.history.find(self._aborted.revision)
        rollout = self._aborted.rollout
        with recording(self._held, f"recording that the rollout of revision {head.revision} is aborted"):
            aborting = rollout and replace(rollout, state=RolloutState.ABORTING, since=None)
            moved = store.move(head, aborting)
        return replace(store.load(moved), summary=moved)

    def end(self, revision: Revision) -> Revision:
        """Record the revision as failed; the deployed one has been deployed all the time."""
        rollout = revision.summary.rollout
        why = f": {rollout.reason}" if rollout and rollout.reason else ""
        number = revision.summary.revision
        with recording(self._held, f"recording revision {number} as aborted"):
            marked = self._ports.store.mark(revision.summary, ReleaseStatus.FAILED, description=f"aborted{why}")
        return replace(revision, summary=marked)
