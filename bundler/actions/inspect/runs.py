"""Whether the run that left a revision unfinished still works on it. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.release.history import History, require_history, uninstalled
from bundler.actions.rollout.failure import ways_on
from bundler.errors import InterruptedRunError
from bundler.errors.change import UnfinishedChangeError, WaitTimeoutError
from bundler.errors.cluster import ForbiddenError
from bundler.model.events import Notice
from bundler.model.release import ReleaseStatus, RevisionSummary
from bundler.model.rollout import RolloutState

if TYPE_CHECKING:
    from bundler.model.lock import LockState
    from bundler.ports import Ports

_POLL_S = 1.0


def needs_a_run(summary: RevisionSummary) -> bool:
    """Return whether a revision becomes whole only by a run: one that is paused waits for people."""
    is_paused = summary.rollout is not None and summary.rollout.state is RolloutState.PAUSED
    return summary.status.is_pending and not is_paused


def abandoned(summary: RevisionSummary, ports: Ports) -> str:
    """Say that no run works on an unfinished revision any more, and what to do.

    Args:
        summary: the newest revision of a release.
        ports: the lock and the records of the run.

    Returns:
        A line; empty where a run may be alive, the lock may not be read, or the revision needs no run.
    """
    if not needs_a_run(summary):
        return ""
    try:
        state = ports.lock.state(summary.namespace, summary.release)
    except ForbiddenError:
        return ""
    if _is_alive(state) or not _is_as_before(summary, ports):
        return ""
    return f"{_fate(summary, state)}: {_way_out(summary)}"


def wait_for_run(history: History, ports: Ports) -> History:
    """Wait until the newest revision of a release is one that no run has to finish; return the history as it is then.

    Args:
        history: as it was read last.
        ports: the lock, records, clock and reporter of the run.

    Raises:
        UnfinishedChangeError: when the run that has to finish it is dead.
        WaitTimeoutError: when the time is over while it works.
        ReleaseNotFoundError: when the release was uninstalled meanwhile.
        InterruptedRunError: when the wait itself is asked to stop.
    """
    doing, watch = f"waiting for release {history.release}", _Watch(ports)
    while (newest := history.newest) is not None and needs_a_run(newest):
        try:
            state = watch.look(newest)
        except ForbiddenError as error:
            _pause(newest, f"whether a run works on it is not known: {'; '.join(error.context)}", ports)
        else:
            if state is not None and not watch.is_dead(state):
                _pause(newest, f"{state.holder.identity} works on it", ports)
            elif _is_as_before(newest, ports):
                raise UnfinishedChangeError(doing, context=[_fate(newest, state)], hint=_way_out(newest))
        history = require_history(ports.store, history.namespace, history.release)
    if history.is_uninstalled:
        raise uninstalled(history, doing=doing)
    return history


class _Watch:
    """Looks at a lock again and again; one that does not move for as long as it is good for has lost its holder."""

    def __init__(self, ports: Ports) -> None:
        self._ports, self._version, self._since_s, self._is_told = ports, "", 0.0, False

    def look(self, summary: RevisionSummary) -> LockState | None:
        """Return who holds the lock; None where no one does."""
        state = self._ports.lock.state(summary.namespace, summary.release)
        if state is not None and state.resource_version != self._version:
            self._version, self._since_s = state.resource_version, self._ports.clock.monotonic()
        if state is not None and not self._is_told:
            self._is_told = True
            who = f"{state.holder.identity} works on it"
            self._ports.report(Notice(f"revision {summary.revision} is {summary.status}: {who}; waiting for that run"))
        return state

    def is_dead(self, state: LockState) -> bool:
        """Return whether the holder has ended, on this machine, or let its lock grow too old before our eyes."""
        unchanged_s = self._ports.clock.monotonic() - self._since_s
        return state.is_alive_here is False or unchanged_s > state.duration_s


def _pause(summary: RevisionSummary, known: str, ports: Ports) -> None:
    """Let some time go by.

    Args:
        summary: the revision that is waited for.
        known: of the run that has to finish it.
        ports: the clock, and what is left of the time.

    Raises:
        WaitTimeoutError, InterruptedRunError: when there is no time.
    """
    doing = f"waiting for release {summary.release}"
    if ports.is_stopped():
        raise InterruptedRunError(doing, context=["the wait was asked to stop"], hint="run the same command again")
    if ports.remaining_s() <= 0:
        raise WaitTimeoutError(
            doing,
            context=[f"revision {summary.revision} is {summary.status}: {known}"],
            hint="give more time with --timeout",
        )
    ports.clock.sleep(min(_POLL_S, max(ports.remaining_s(), 0.01)))


def _is_alive(state: LockState | None) -> bool:
    return state is not None and state.is_alive_here is not False


def _is_as_before(summary: RevisionSummary, ports: Ports) -> bool:
    """Return whether a revision is still unfinished: a run marks it before it lets go of its lock."""
    newest = require_history(ports.store, summary.namespace, summary.release).newest
    return newest is not None and newest.revision == summary.revision and needs_a_run(newest)


def _fate(summary: RevisionSummary, state: LockState | None) -> str:
    who = "no run works on it"
    if state is not None:
        end = "has ended" if state.is_alive_here is False else f"did not renew its lock for {state.duration_s:.0f} s"
        who = f"the run that did it ({state.holder.identity}) {end}"
    doing = "rolled out in steps" if summary.rollout is not None else str(summary.status)
    return f"revision {summary.revision} is {doing}, and {who}"


def _way_out(summary: RevisionSummary) -> str:
    place = f"{summary.release} -n {summary.namespace}"
    if summary.rollout is not None:
        return f"run {ways_on(summary)}"
    match summary.status:
        case ReleaseStatus.UNINSTALLING:
            return f"run `bundler uninstall {place}` to finish it"
        case ReleaseStatus.PENDING_INSTALL:
            return f"run the same command again to finish it, or `bundler uninstall {place}` to remove what it wrote"
        case _:
            return f"run the same command again to finish it, or `bundler rollback {place}` to go back"
