"""The record of the revision that a run makes, while it runs. Layer: actions."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, assert_never

from bundler.actions.change.run_control import recording
from bundler.actions.release.protect import mark_holders
from bundler.errors import BundlerError, Found, InterruptedRunError
from bundler.errors.change import LockLostError, RevisionExistsError
from bundler.health.gone_jobs import is_complete
from bundler.model.change import Action
from bundler.model.events import Notice
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from bundler.model.release import ReleaseStatus
from bundler.model.size import first_of, shortened
from bundler.model.steps import Moment
from bundler.planning.backup import is_backup
from bundler.planning.conflicts import fields_left, taken_from_others
from bundler.planning.definitions.notes import broken_by
from bundler.planning.going_back import recorded_inventory
from bundler.planning.jobs import is_job
from bundler.planning.recreate import recreated_by

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.actions.release.history import History
    from bundler.actions.release.lifecycle import RunOptions
    from bundler.actions.release.proposal import Proposal
    from bundler.model.change import Plan
    from bundler.model.release import Revision
    from bundler.ports import HeldLock, Ports

CARRIED_OUT = "everything in the plan was carried out; only its record could not be completed"
_EVIDENCE_CHARS = 65_536
_REASON_CHARS = 100
_SHOWN_BACKUPS = 3
_CAUSE_CHARS = 240
"""Of a reason in the columns; the whole of it is in the record."""


class RunRecord:
    """Notes in the record what must not be forgotten if the run dies; used by several threads."""

    def __init__(self, proposal: Proposal, ports: Ports, options: RunOptions, held: HeldLock) -> None:
        """Prepare; nothing is recorded yet."""
        self._proposal, self._ports, self._options, self._held = proposal, ports, options, held
        self._revision: Revision | None = None
        self._has_ended = False
        self._lock = threading.Lock()

    @property
    def revision(self) -> Revision:
        """The revision as it is recorded now.

        Raises:
            AssertionError: when nothing is recorded yet.
        """
        if self._revision is None:
            raise AssertionError("the run has not begun")
        return self._revision

    def write(self, moment: Moment) -> None:
        """Record the intention, or that it has been carried out.

        Raises:
            BundlerError: when the record cannot be written.
        """
        match moment:
            case Moment.BEGUN:
                self._begin()
            case Moment.DONE:
                self._end()
            case _:
                assert_never(moment)

    def _begin(self) -> None:
        self._revision = _record_pending(self._proposal, self._ports, self._options)
        if done_since := _jobs_of_failed_revisions(self._proposal.plan, self._proposal.history, self._ports):
            self.note_finished(done_since)

    def _end(self) -> None:
        self._has_ended = True
        revision, history = self.revision, self._proposal.history
        if history.protection is not None and history.protection.is_on:
            owned = {**history.owned, **{entry.ref: entry for entry in revision.inventory}}
            mark_holders(history.namespace, history.release, owned, self._ports)
        with recording(self._held, f"recording revision {revision.summary.revision} as deployed"):
            self._revision = _record_deployed(
                revision, self._proposal, self._ports, history_max=self._options.history_max
            )

    def note_finished(self, jobs: Iterable[ObjectRef]) -> None:
        """Record that Jobs have finished: they may be deleted at any time, and must not run twice.

        Raises:
            LockLostError: when the release is no longer ours.
        """
        with self._lock:
            revision = self.revision
            summary, marks = revision.summary, [self._proposal.planned.wanted.mark_of(ref) for ref in jobs]
            try:
                marked = self._ports.store.mark(summary, summary.status, finished_jobs=marks)
            except LockLostError:
                raise
            except BundlerError as error:
                self._ports.report(Notice(f"finished Jobs could not be noted in the record: {error}"))
                return
            self._revision = replace(revision, summary=marked)

    def fail(self, error: BundlerError, progress: tuple[str, ...]) -> BundlerError:
        """Say in the record what ended the run; return the error that says how far it came, too.

        Args:
            error: what ended the run.
            progress: what was written and what was not, a line each.

        Raises:
            LockLostError: when the lock turns out to be lost: then nothing may follow, a rollback least of all.
        """
        if self._has_ended:
            return error.with_context(CARRIED_OUT)
        if self._revision is None:
            return error.with_context()
        told = error.with_context(*progress)
        _record_failure(self._revision, told, self._ports, self._held)
        return told


def _record_pending(proposal: Proposal, ports: Ports, options: RunOptions) -> Revision:
    """Record the intention, inventory included, before the first object is written."""
    number, now = proposal.history.next_number, ports.clock.now()
    draft = proposal.drafted.revision
    summary = replace(
        draft.summary,
        revision=number,
        created=now,
        updated=now,
        objects=len(draft.refs) - len(draft.dormant),
        is_waited=options.waits,
        finished_jobs=(),
        protection=proposal.history.protection,
    )
    changes, planned = proposal.plan.changes, proposal.planned
    revision = replace(
        draft,
        summary=summary,
        authorship=replace(draft.authorship, outside_window=proposal.outside_window),
        inventory=recorded_inventory(draft.inventory, planned.candidates),
        left_to_others=fields_left(proposal.plan, planned.wanted),
        accepted_risks=broken_by(changes),
        recreated=tuple(map(str, recreated_by(changes))),
        taken=tuple(taken_from_others(changes)),
    )
    try:
        return ports.store.save(revision)
    except RevisionExistsError as error:
        raise error.with_context(hint="run the same command again; another run was quicker") from error


def _record_failure(revision: Revision, error: BundlerError, ports: Ports, held: HeldLock) -> None:
    """Say in the record what ended a run; a run that lost its lock, or cannot reach the cluster, writes nothing.

    Raises:
        LockLostError: when the lock turns out to be lost: then nothing may follow, a rollback least of all.
    """
    if isinstance(error, LockLostError):
        return
    is_stopped = isinstance(error, InterruptedRunError)
    status = ReleaseStatus.INTERRUPTED if is_stopped else ReleaseStatus.FAILED
    evidence = ports.redactor.redact("\n".join([str(error), *error.context]))[:_EVIDENCE_CHARS]
    description = ports.redactor.redact(f"{error.code}: {_cause(error)}")
    try:
        with recording(held, f"recording revision {revision.summary.revision} as {status}"):
            ports.store.mark(revision.summary, status, description=description, evidence=evidence)
    except LockLostError as lost:
        raise lost.with_context(*error.context) from lost
    except BundlerError as unwritten:
        ports.report(Notice(f"the record could not be marked {status}: {unwritten}; the next run will do it"))


def _cause(error: BundlerError) -> str:
    """Return in a line what ended a run: the first object named, and its pod's reason; the rest is the evidence."""
    first, more = error.context[:1], error.context[1:]
    pods = [line.strip() for line in more if isinstance(line, Found) and line.subject.startswith("Pod/")]
    cause = "; ".join((*first, *pods[:1])) or str(error)
    return shortened(cause, _CAUSE_CHARS)


def _record_deployed(revision: Revision, proposal: Proposal, ports: Ports, *, history_max: int) -> Revision:
    history, description = proposal.history, _description(revision, proposal.plan, ports)
    summary = ports.store.mark(revision.summary, ReleaseStatus.DEPLOYED, description=description)
    for older in history.summaries:
        if older.status is ReleaseStatus.DEPLOYED:
            ports.store.mark(older, ReleaseStatus.SUPERSEDED, description=older.description)
    ports.store.prune(history.namespace, history.release, history_max=history_max)
    return replace(revision, summary=summary)


def _description(revision: Revision, plan: Plan, ports: Ports) -> str:
    """Return what the history says of a revision that went well, in a line: why it was made."""
    who = revision.authorship
    reason = " ".join(ports.redactor.redact(who.reason).split())
    back = revision.rolled_back_to
    said = (
        f"rolled back to revision {back}" if back else "",
        shortened(reason, _REASON_CHARS),
        outside_words(ports.redactor.redact(who.outside_window)),
        _backup_words(plan),
    )
    return "; ".join(part for part in said if part)


def _backup_words(plan: Plan) -> str:
    made = first_of([change.ref.short for change in plan.changes if is_backup(change)], _SHOWN_BACKUPS)
    return f"backed up by {', '.join(made)}" if made else ""


def outside_words(reason: str) -> str:
    """Return what the history says of a change outside the site's deployment windows; empty if it was inside."""
    return f"outside the deployment windows: {shortened(' '.join(reason.split()), _REASON_CHARS)}" if reason else ""


def _jobs_of_failed_revisions(plan: Plan, history: History, ports: Ports) -> list[ObjectRef]:
    """Return the Jobs that a change removes and that finished after the run which made them had failed."""
    gone = [change for change in plan.changes if change.action is Action.DELETE and is_job(change.ref)]
    finished = [change.ref for change in gone if is_complete(change.before or {})]
    of_deployed = ports.store.load(history.deployed).refs if finished and history.deployed else frozenset[ObjectRef]()
    return [ref for ref in finished if ref not in of_deployed]
