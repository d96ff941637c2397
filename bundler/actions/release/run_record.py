"""The record of the revision that a run makes, while it runs. Layer: actions."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bundler.errors import BundlerError
from bundler.errors.change import LockLostError
from bundler.health.gone_jobs import is_complete
from bundler.model.change import Action
from bundler.model.events import Notice
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from bundler.planning.jobs import is_job, job_mark

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.actions.release.history import History
    from bundler.model.change import Plan
    from bundler.model.release import Revision
    from bundler.ports import Ports


class RunRecord:
    """Notes in the record what must not be forgotten if the run dies; used by several threads."""

    def __init__(self, revision: Revision, ports: Ports) -> None:
        self._revision, self._ports = revision, ports
        self._lock = threading.Lock()

    @property
    def revision(self) -> Revision:
        """The revision as it is recorded now."""
        return self._revision

    def note_finished(self, jobs: Iterable[ObjectRef]) -> None:
        """Record that Jobs have finished: they may be deleted at any time, and must not run twice.

        Raises:
            LockLostError: when the release is no longer ours.
        """
        with self._lock:
            summary = self._revision.summary
            try:
                marked = self._ports.store.mark(summary, summary.status, finished_jobs=[job_mark(ref) for ref in jobs])
            except LockLostError:
                raise
            except BundlerError as error:
                self._ports.report(Notice(f"finished Jobs could not be noted in the record: {error}"))
                return
            self._revision = replace(self._revision, summary=marked)


def jobs_of_failed_revisions(plan: Plan, history: History, ports: Ports) -> list[ObjectRef]:
    """Return the Jobs that a change takes away and that finished after the run which made them had failed."""
    gone = [change for change in plan.changes if change.action is Action.DELETE and is_job(change.ref)]
    finished = [change.ref for change in gone if is_complete(change.before or {})]
    of_deployed = ports.store.load(history.deployed).refs if finished and history.deployed else frozenset[ObjectRef]()
    return [ref for ref in finished if ref not in of_deployed]
