"""Pause an open rollout: in its record, where a run that moves it looks before each step. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.release.history import require_history, require_open_rollout
from bundler.actions.release.kept_secrets import learn_kept_secrets
from bundler.errors import UsageError
from bundler.errors.cluster import ConflictError
from bundler.model.lean import dataclass, replace
from bundler.model.rollout import Rollout, RolloutState

if TYPE_CHECKING:
    from bundler.model.release import RevisionSummary
    from bundler.ports import Ports

_DOING = "pausing the rollout"
_TRIES = 10
"""A run that moves writes the same record, now and then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRequest:
    """Which rollout to pause, and who asks for it."""

    release: str
    namespace: str
    user: str = ""
    reason: str = ""


def pause(request: PauseRequest, ports: Ports) -> RevisionSummary:
    """Record that a rollout is paused; no lock is taken, so that one that moves can be paused too.

    A run that moves it notices before it writes anything more, and ends in good order. Of one that is paused already,
    a new reason is recorded.

    Args:
        request: which release, who, why.
        ports: the cluster, records, clock and reporter of the run.

    Returns:
        The revision that is rolled out.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        UsageError: when no rollout is open, or it cannot be paused any more.
        ConflictError: when its record moved again and again.
        ClusterError
    """
    history = require_history(ports.store, request.namespace, request.release)
    summary, rollout = require_open_rollout(history, doing=_DOING)
    learn_kept_secrets(history, ports)  # a reason must not hold any of them
    reason = " ".join(ports.redactor.redact(request.reason).split())
    tries = 0
    while not _is_said(rollout, reason):
        _refuse_late(summary, rollout)
        since = rollout.since if rollout.state is RolloutState.PAUSED else None
        paused = replace(rollout, state=RolloutState.PAUSED, since=since, by=request.user, reason=reason)
        try:
            return ports.store.move(summary, paused)
        except ConflictError:
            tries += 1
            if tries == _TRIES:
                raise
        history = require_history(ports.store, request.namespace, request.release)
        summary, rollout = require_open_rollout(history, doing=_DOING)
    return summary


def _is_said(rollout: Rollout, reason: str) -> bool:
    """Return whether the record says already that it is paused, and why."""
    return rollout.state is RolloutState.PAUSED and reason in {"", rollout.reason}


def _refuse_late(summary: RevisionSummary, rollout: Rollout) -> None:
    """Refuse what a pause could not stop: nothing holds pods back any more.

    Raises:
        UsageError
    """
    if rollout.state is RolloutState.ABORTING:
        found, hint = "it is being aborted", "wait until it is aborted, or run `bundler abort` again where its run died"
    elif rollout.is_finish:
        found = f"it is at its last step, {rollout.step} of {rollout.steps}, in which nothing holds pods back"
        hint = "wait for it, or go back with `bundler abort`"
    else:
        return
    raise UsageError(f"{_DOING} of release {summary.release}", context=[found], hint=hint)
