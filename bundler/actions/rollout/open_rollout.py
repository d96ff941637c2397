"""The rollout that is open, where a verb needs one. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors import UsageError

if TYPE_CHECKING:
    from bundler.actions.release.history import History
    from bundler.model.release import RevisionSummary
    from bundler.model.rollout import Rollout


def require_open_rollout(history: History, *, doing: str) -> tuple[RevisionSummary, Rollout]:
    """Return the revision that is rolled out, and how far that has come.

    Args:
        history: of the release.
        doing: what needs one, for the error: ``continuing the rollout``.

    Raises:
        UsageError: when none is open; nothing was written.
    """
    summary = history.open_rollout
    if summary is None or summary.rollout is None:
        newest = f"revision {history.newest.revision} is {history.newest.status}" if history.newest else "no revision"
        raise UsageError(
            f"{doing} of release {history.release}",
            context=[f"no rollout is open: {newest} (namespace {history.namespace})"],
            hint=f"run `bundler history {history.release}` to see what was done",
        )
    return summary, summary.rollout
