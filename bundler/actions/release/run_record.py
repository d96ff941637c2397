"""The record of the revision that a run makes, while it runs. Layer: actions."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, assert_never

from bundler.actions.change.run_control import recording
from bundler.actions.release.protect import mark_holders
from bundler.actions.rollout.failure import cause_of, evidence_of, note_open_failure
from bundler.errors import Again, BundlerError, InterruptedRunError
from bundler.errors.change import LockLostError, RevisionExistsError
from bundler.health.workloads import is_complete
from bundler.model.change import Action, Plan
from bundler.model.events import Notice
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from bundler.model.release import ReleaseStatus, Revision, RevisionSummary
from bundler.model.size import first_of, shortened
from bundler.model.steps import Moment
from bundler.planning.backup import is_backup
from bundler.planning.conflicts import fields_left, taken_from_others
from bundler.planning.definitions.notes import broken_by
from bundler.planning.going_back import recorded_inventory
from bundler.planning.jobs import is_job
from bundler.planning.recreate import recreated_by

if TYPE_CHECKING:
    from bundler.actions.release.history import History
    from bundler.actions.release.lifecycle import RunOptions
    from bundler.actions.release.proposal import Proposal
    from bundler.model.rollout import Rollout
    from bundler.ports import HeldLock, Ports

CARRIED_OUT = "everything in the plan was carried out; only its record could not be completed"
CARRIED_OUT_BUT_LOST = (
    "everything in the plan was carried out, but is not recorded; another run may have written something else since"
)
_REASON_CHARS = 100
_SHOWN_BACKUPS = 3


class Course(Protocol):
    """Which revision a run is of: how it is recorded before the first write, and after everything else."""

    def begin(self) -> Revision:
        """Record the intention; return the revision as it is recorded then."""
        ...

    def end(self, revision: Revision) -> Revision:
        """Record that the plan was carried out.

        Args:
            revision: as it is recorded now.

        Raises:
            LockLostError: when the release is no longer ours.
        """
        ...


class NewRevision:
    """A run that makes a revision, and deploys it."""

    def __init__(self, proposal: Proposal, ports: Ports, options: RunOptions, held: HeldLock) -> None:
        """Prepare; nothing is recorded yet."""
        self._proposal, self._ports, self._options, self._held = proposal, ports, options, held

    def begin(self) -> Revision:
        """Record a revision that is pending."""
        return _record_pending(self._proposal, self._ports, self._options)

    def end(self, revision: Revision) -> Revision:
        """Record it as deployed, and the one before as superseded."""
        history = self._proposal.history
        if history.protection is not None and history.protection.is_on:
            owned = {**history.owned, **{entry.ref: entry for entry in revision.inventory}}
            mark_holders(history.namespace, history.release, owned, self._ports)
        with recording(self._held, f"recording revision {revision.summary.revision} as deployed"):
            return _record_deployed(revision, self._proposal, self._ports, history_max=self._options.history_max)


class RunRecord:
    """Notes in the record what must not be forgotten if the run dies; used by several threads."""

    def __init__(self, proposal: Proposal, ports: Ports, held: HeldLock, course: Course) -> None:
        """Prepare; nothing is recorded yet."""
        self._proposal, self._ports, self._held, self._course = proposal, ports, held, course
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

    @property
    def rollout(self) -> Rollout | None:
        """How far its upgrade in steps has come, as this run knows it; None where none is open."""
        return self._revision.summary.rollout if self._revision else None

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
        self._revision = self._course.begin()
        if done_since := _jobs_of_failed_revisions(self._proposal.plan, self._proposal.history, self._ports):
            self.note_finished(done_since)

    def _end(self) -> None:
        self._has_ended = True
        if self.rollout is not None:
            self.read_again()  # what was said of the rollout while it ended comes too late
        self._revision = self._course.end(self.revision)

    def move(self, rollout: Rollout) -> None:
        """Record how far the rollout has come: before any object is written for it.

        Raises:
            LockLostError: when the release is no longer ours.
            ConflictError: when someone has written the record since it was read: paused the rollout, say.
        """
        with self._lock:
            before, revision = self.rollout, self.revision
            is_same = before is not None and (before.step, before.state) == (rollout.step, rollout.state)
            told = replace(rollout, since=before.since if before is not None and is_same else None)
            self._held.confirm()
            self._revision = replace(revision, summary=self._ports.store.move(revision.summary, told))

    def read_again(self) -> Rollout | None:
        """Return the rollout as it is recorded now: someone may have paused it."""
        with self._lock:
            return self._read_again().rollout

    def _read_again(self) -> RevisionSummary:
        summary = self._ports.store.read_rollout(self.revision.summary)
        self._revision = replace(self.revision, summary=summary)
        return summary

    def explain(self, cause: str, evidence: str) -> None:
        """Record why a step failed; the revision stays what it is.

        Args:
            cause: in a line.
            evidence: the report that was printed.
        """
        with self._lock, recording(self._held, f"recording why revision {self.revision.summary.revision} failed"):
            summary = self._read_again()
            marked = self._ports.store.mark(summary, summary.status, description=cause, evidence=evidence)
            self._revision = replace(self.revision, summary=marked)

    def note_finished(self, jobs: Iterable[ObjectRef]) -> None:
        """Record that Jobs have finished: they may be deleted at any time, and must not run twice.

        Raises:
            LockLostError: when the release is no longer ours.
        """
        with self._lock:
            marks = [self._proposal.planned.wanted.mark_of(ref) for ref in jobs]
            try:
                # Someone may have paused the rollout since.
                summary = self.revision.summary if self.rollout is None else self._read_again()
                marked = self._ports.store.mark(summary, summary.status, finished_jobs=marks)
            except LockLostError:
                raise
            except BundlerError as error:
                self._ports.report(Notice(f"finished Jobs could not be noted in the record: {error}"))
                return
            self._revision = replace(self.revision, summary=marked)

    def fail(self, error: BundlerError, progress: tuple[str, ...]) -> BundlerError:
        """Say in the record what ended the run; return the error that says how far it came, too.

        Args:
            error: what ended the run.
            progress: what was written and what was not, a line each.

        Raises:
            LockLostError: when the lock turns out to be lost: then nothing may follow, a rollback least of all.
        """
        if self._has_ended:
            return error.with_context(carried_out(error))
        if self._revision is None:
            return error.with_context()
        told = spent(error.with_context(*progress), self._proposal)
        if self.rollout is not None:
            return note_open_failure(self, told, self._ports)
        _record_failure(self._revision, told, self._ports, self._held)
        return told


def carried_out(error: BundlerError) -> str:
    """Say how far a run came that ended after its last write.

    Args:
        error: what ended it; after a lost lock, others may have written.
    """
    return CARRIED_OUT_BUT_LOST if isinstance(error, LockLostError) else CARRIED_OUT


def spent(error: BundlerError, proposal: Proposal) -> BundlerError:
    """Return the error of a run that has begun: a saved plan was made for the revision before, and is refused now.

    Args:
        error: what ended the run; its hint may be to run the same command again.
        proposal: what the run carried out.
    """
    if proposal.terms.accepted.plan is None or not isinstance(error.hint, Again):
        return error
    return error.with_context(hint=error.hint.instead("make a new plan with `bundler plan`, which continues from here"))


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
        skipped_hooks=tuple(f"{one.ref.short} ({one.reason})" for one in planned.wanted.skipped_hooks),
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
    evidence, description = evidence_of(error, ports.redactor), cause_of(error, ports.redactor)
    try:
        with recording(held, f"recording revision {revision.summary.revision} as {status}"):
            ports.store.mark(revision.summary, status, description=description, evidence=evidence)
    except LockLostError as lost:
        raise lost.with_context(*error.context) from lost
    except BundlerError as unwritten:
        ports.report(Notice(f"the record could not be marked {status}: {unwritten}; the next run will do it"))


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
