"""What a run left open in the record: one that died, and a rollout in steps. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.release.history import History, read_history
from bundler.errors.cluster import ConflictError
from bundler.model.events import Notice
from bundler.model.lean import replace
from bundler.model.release import ReleaseStatus, RevisionSummary

if TYPE_CHECKING:
    from bundler.ports import Ports


def mark_interrupted_runs(history: History, ports: Ports) -> History:
    """Mark what a run that died left pending; the caller holds the lock, so no one alive can be at it.

    A revision that is rolled out in steps is left as it is: it waits for someone, or is continued where it is.
    Deployed revisions older than the newest deployed one are marked superseded: a run died between two marks.
    """
    settled = []
    newest_deployed, rolling = history.deployed, history.open_rollout
    for summary in history.summaries:
        status, why = summary.status, summary.description
        if status.is_pending and summary is not rolling:
            status = ReleaseStatus.INTERRUPTED
            why = f"interrupted while {_doing(summary.status)} by {summary.user or '?'}"
        elif status is ReleaseStatus.DEPLOYED and newest_deployed and summary.revision < newest_deployed.revision:
            status = ReleaseStatus.SUPERSEDED
        settled.append(summary if status is summary.status else _mark(summary, status, why, ports))
    return replace(history, summaries=tuple(settled))


def _mark(summary: RevisionSummary, status: ReleaseStatus, why: str, ports: Ports) -> RevisionSummary:
    if status is ReleaseStatus.INTERRUPTED:
        ports.report(Notice(f"revision {summary.revision} was {why}; continuing from what it left"))
    try:
        return ports.store.mark(summary, status, description=why)
    except ConflictError:
        fresh = read_history(ports.store, summary.namespace, summary.release).find(summary.revision)
        return ports.store.mark(fresh, status, description=why)


def _doing(status: ReleaseStatus) -> str:
    words = {
        ReleaseStatus.PENDING_INSTALL: "being installed",
        ReleaseStatus.PENDING_UPGRADE: "being upgraded",
        ReleaseStatus.PENDING_ROLLBACK: "being rolled back",
        ReleaseStatus.UNINSTALLING: "being uninstalled",
    }
    return words.get(status, str(status))


def abort_record(history: History, ports: Ports) -> History:
    """Say in the record that uninstalling aborted the open rollout, if one is open. The caller holds the lock."""
    rolling = history.open_rollout
    if rolling is None:
        return history
    ports.report(
        Notice(f"revision {rolling.revision} was rolled out in steps ({rolling.rollout}); recorded as aborted")
    )
    ended = _mark(rolling, ReleaseStatus.FAILED, "aborted: uninstalled", ports)
    return replace(history, summaries=(*history.summaries[:-1], ended))
