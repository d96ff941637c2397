"""What became of a change, as it is printed. Layer: model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.change import Plan
    from bundler.model.release import Revision, RevisionSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a change."""

    plan: Plan
    wanted: RevisionSummary
    """Of the revision that was to be."""
    newest: RevisionSummary | None
    """Of the newest revision before; None for a first install."""
    revision: Revision | None
    """What was recorded; None where nothing was done: no change, or the answer was no."""
    is_declined: bool = False
    is_paused: bool = False
    """It goes in steps, and waits between two of them."""
