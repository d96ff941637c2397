"""Whether a change does nothing at all. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.release import ReleaseStatus
from bundler.values.changes import is_same_to_templates

if TYPE_CHECKING:
    from bundler.actions.release.proposal import Proposal


def is_pending(proposal: Proposal) -> bool:
    """Return whether something would be written or recorded, whether or not objects are ready."""
    newest, draft = proposal.history.newest, proposal.draft
    if draft is None or newest is None or not proposal.plan.is_empty or proposal.history.is_newest_damaged:
        return True
    return not (
        newest.status is ReleaseStatus.DEPLOYED
        and newest.bundle.digest == draft.revision.summary.bundle.digest
        and is_same_to_templates(draft.recorded_values, draft.revision.user_values)
    )
