"""An upgrade whose rollout is open already: the same command once more. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.rollout.resume import draft_to_continue, moving_again
from bundler.model.rollout import RolloutState
from bundler.values.changes import is_same_to_templates

if TYPE_CHECKING:
    from bundler.actions.release.history import History
    from bundler.actions.release.proposal import Draft
    from bundler.ports import Ports


def of_open_rollout(draft: Draft, history: History, ports: Ports) -> Draft | None:
    """Return the draft that continues the open rollout, where this upgrade is the same; None where it is another.

    One that is paused stays so: a pipeline that runs the same command again has seen nothing of it.

    Args:
        draft: what the upgrade would make.
        history: of the release.
        ports: its records.
    """
    summary = history.open_rollout
    if summary is None or summary.rollout is None or summary.rollout.state is RolloutState.ABORTING:
        return None
    if summary.bundle.digest != draft.revision.summary.bundle.digest:
        return None
    recorded = ports.store.load(summary, with_sensitive=True)
    if not is_same_to_templates(recorded.user_values, draft.revision.user_values):
        return None
    rollout, before = summary.rollout, draft.recorded
    is_paused = rollout.state is RolloutState.PAUSED
    return draft_to_continue(recorded, before, rollout if is_paused else moving_again(rollout), ports)


def is_paused(draft: Draft) -> bool:
    """Return whether a draft is of a rollout that waits for someone."""
    rollout = draft.revision.summary.rollout
    return draft.is_continued and rollout is not None and rollout.state is RolloutState.PAUSED
