"""Carry out a change: the way of every verb that writes. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from bundler.actions.change.checks import checks_wanted, require_passed, run_checks
from bundler.actions.change.executor import Executor
from bundler.actions.change.run_control import Guard
from bundler.actions.change.wait import WaitRules
from bundler.actions.ordering.edit import suspend_for
from bundler.actions.release.history import History, load_history
from bundler.actions.release.namespace import absent_namespace, create_namespace
from bundler.actions.release.no_op import is_pending
from bundler.actions.release.proposal import Draft, Proposal, outline, pass_gates, propose, refuse_now, replan
from bundler.actions.release.run_record import RunRecord
from bundler.actions.release.unfinished import mark_interrupted_runs
from bundler.actions.rollout.advance import advancer_for
from bundler.actions.rollout.failure import is_step_failure
from bundler.actions.rollout.record import course_of
from bundler.errors import Again, BundlerError, InterruptedRunError, UsageError
from bundler.errors.change import (
    LockLostError,
    ReleaseLockedError,
    RevisionExistsError,
    RolloutContestedError,
    WaitTimeoutError,
)
from bundler.health.pods import FailFast
from bundler.model.check_report import CheckReport
from bundler.model.lean import dataclass, field
from bundler.model.outcome import Outcome
from bundler.model.rollout import OnFailure
from bundler.planning.problem import refuse

if TYPE_CHECKING:
    from bundler.actions.release.terms import Terms
    from bundler.model.change import KeptObject
    from bundler.model.release import Revision
    from bundler.ports import HeldLock, Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a change is carried out; the same for every verb.

    Example:
        >>> from bundler import ReleaseRequest, RunOptions, Session
        >>> with Session.sandbox() as session:
        ...     request = ReleaseRequest(bundle="webapp", release="shop")
        ...     done = session.apply(request, options=RunOptions(waits=False, history_max=5))
        >>> done.revision.summary.is_waited
        False
    """

    waits: bool = True
    """Wait until every object is ready."""
    tells_hook_logs: bool = False
    """Report what the Jobs of hooks printed, not only of those that failed."""
    runs_checks: bool = False
    """Run the checks of the bundle once everything is ready; one that fails is a failed change."""
    on_checks: Callable[[CheckReport], None] | None = None
    """Takes what these checks showed, whether they passed or not; called at most once."""
    watch_s: float = 0.0
    """Seconds for which everything has to stay ready then; a restart or lost readiness is a failed change."""
    may_create_namespace: bool = True
    """Make a namespace that is missing."""
    history_max: int = 10
    """How many revisions are kept."""
    lock_timeout_s: float = 0.0
    """Seconds to wait for a lock that another run holds."""
    fail_fast: FailFast = field(default_factory=FailFast)
    """Which states of pods end the waiting early."""
    forces_revision: bool = False
    """Record a revision even if nothing changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeResult:
    """What became of a change.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     first = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        ...     second = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        >>> (first.revision.summary.revision, second.revision, second.is_declined)
        (1, None, False)
    """

    proposal: Proposal
    """What was carried out, or declined."""
    revision: Revision | None
    """None where none was made: no change, or the answer was no, or an uninstall."""
    is_declined: bool = False
    """The answer was no; nothing was changed."""
    is_paused: bool = False
    """The upgrade goes in steps and waits between two of them; ``revision.summary.rollout`` says where, and why."""

    @property
    def kept(self) -> tuple[KeptObject, ...]:
        """What stays although the release no longer wants it."""
        return self.proposal.plan.kept

    @property
    def outcome(self) -> Outcome:
        """What is shown of it."""
        return Outcome(
            plan=self.proposal.plan,
            wanted=self.proposal.drafted.revision.summary,
            newest=self.proposal.history.newest,
            revision=self.revision,
            is_declined=self.is_declined,
            is_paused=self.is_paused,
        )


Recovery: TypeAlias = "Callable[[BundlerError, Proposal, HeldLock], BundlerError]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Afterwards:
    """What follows when a change meets what did not exist when it was planned."""

    recover: Recovery | None = None
    """What a failed change is followed by, under the same lock; None leaves things as they are."""
    abort: Recovery | None = None
    """What a failed step of a rollout is followed by, under the same lock, unless it pauses."""
    redraft: Callable[[], Draft] | None = None
    """Makes the draft again where another revision was deployed between our look and our lock."""


_NOTHING = Afterwards()


def change_release(
    draft: Draft,
    terms: Terms,
    ports: Ports,
    options: RunOptions,
    approve: Callable[[Proposal], bool],
    after: Afterwards = _NOTHING,
) -> ChangeResult:
    """Plan, pass the gates, ask, lock, look again, pass them again, record, apply, wait, prune, record.

    Args:
        draft: the revision to be.
        terms: what it is checked against.
        ports: the cluster and everything else outside.
        options: how.
        approve: shows a proposal, and asks where it can; False ends the run with nothing done.
        after: what follows when another revision was deployed meanwhile, and when the change fails.

    Raises:
        BundlerError: what ended the run. The record says the same, and the same command can be run again.
    """
    _refuse_options(options)
    first = propose(draft, terms, ports)
    unconfirmed = pass_gates(first)
    if is_no_op(first, options):
        _settle(first.history, ports, options)
        return ChangeResult(proposal=first, revision=None)
    refuse_now(unconfirmed)
    new_namespaces = first.planned.new_namespaces
    if new_namespaces and not options.may_create_namespace:
        raise absent_namespace(new_namespaces[0])
    if not approve(first):
        return ChangeResult(proposal=first, revision=None, is_declined=True)
    refuse(unconfirmed)
    _stop_if_late(ports, "planning the change")
    writes = [f"namespace {', '.join(new_namespaces)}"] if new_namespaces else []
    for name in new_namespaces:
        create_namespace(name, first.planned.wanted.uid, ports)
    if suspended := suspend_for(first.order, terms, ports):
        writes.append(suspended)
    doing = draft.revision.summary.status.value
    with ports.lock.hold(draft.namespace, draft.release, doing=doing, timeout_s=options.lock_timeout_s) as held:
        ports = ports.under(held)
        second = replan(first, ports, after.redraft)
        written = f"nothing but {' and '.join(writes)}" if writes else "nothing"
        unconfirmed = pass_gates(second, written=written)
        if is_no_op(second, options):
            return ChangeResult(proposal=second, revision=None)
        refuse_now(unconfirmed, written=written)
        if outline(second.plan) != outline(first.plan):
            if not approve(second):
                return ChangeResult(proposal=second, revision=None, is_declined=True)
            refuse(unconfirmed, written=written)
        _stop_if_late(ports, "locking the release and looking again")
        return _carry_out_or_recover(second, ports, options, held, recovery_for(second, after))


def recovery_for(proposal: Proposal, after: Afterwards) -> Recovery | None:
    """Return what follows when this change fails: of a rollout, what its record says of failed steps."""
    rollout = proposal.planned.wanted.rollout
    if rollout is None:
        return after.recover
    return after.abort if rollout.on_failure is OnFailure.ABORT else None


def _refuse_options(options: RunOptions) -> None:
    flags = [flag for flag, is_given in (("--test", options.runs_checks), ("--watch-for", options.watch_s)) if is_given]
    if flags and not options.waits:
        raise UsageError(
            "reading the options",
            context=[f"{flags[0]} looks at a release once it is ready, and --no-wait does not wait for that"],
            hint=f"give one of {flags[0]} and --no-wait",
        )


def _carry_out_or_recover(
    proposal: Proposal, ports: Ports, options: RunOptions, held: HeldLock, recover: Recovery | None
) -> ChangeResult:
    try:
        return carry_out(proposal, ports, options, held)
    except (InterruptedRunError, LockLostError, RevisionExistsError, RolloutContestedError):
        raise
    except BundlerError as error:
        if recover is None or (proposal.planned.wanted.rollout is not None and not is_step_failure(error)):
            raise
        raise recover(error, proposal, held) from error


def _stop_if_late(ports: Ports, phase: str) -> None:
    """Begin nothing that there is no time for: a revision would be recorded that cannot but fail."""
    if ports.remaining_s() > 0:
        return
    raise WaitTimeoutError(
        f"{phase}; the time of the whole command ran out in this phase",
        context=["no object of the release was written, and no revision recorded"],
        hint="run the same command again, with a larger --timeout",
    )


def _settle(history: History, ports: Ports, options: RunOptions) -> None:
    """Make the marks that a run did not live to make; a live run that holds the lock makes them itself."""
    if history.is_settled:
        return
    place = (history.namespace, history.release)
    try:
        with ports.lock.hold(*place, doing="settling the record", timeout_s=options.lock_timeout_s) as held:
            ports = ports.under(held)
            mark_interrupted_runs(load_history(ports, *place), ports)
    except ReleaseLockedError:
        return


def is_no_op(proposal: Proposal, options: RunOptions) -> bool:
    """Return whether there is nothing to write, nothing to wait for, and nothing new to record."""
    newest = proposal.history.newest
    is_unready = options.waits and newest is not None and not newest.is_waited
    return not (options.forces_revision or is_unready or is_pending(proposal))


def carry_out(proposal: Proposal, ports: Ports, options: RunOptions, held: HeldLock) -> ChangeResult:
    """Do every step of the plan, the record's own among them; the lock is held.

    Args:
        proposal: the plan and what it was made from.
        ports: the cluster, records, clock and reporter of the run.
        options: how to carry the change out.
        held: the lock.

    Raises:
        BundlerError: what ended the run; it is in the record too.
    """
    guard = Guard(ports, held)
    record = RunRecord(proposal, ports, held, course_of(proposal, ports, options, held))
    rules = WaitRules(
        uid=proposal.planned.wanted.uid,
        release=proposal.history.place,
        waits=options.waits,
        tells_logs=options.tells_hook_logs,
        watch_s=options.watch_s,
        readiness=proposal.drafted.readiness,
        fail_fast=options.fail_fast,
        finished_jobs=proposal.planned.wanted.finished_jobs,
        way_back=_way_back(proposal),
        note_finished=record.note_finished,
        check=_checking(proposal, ports, record, options) if options.runs_checks else None,
    )
    stepping = advancer_for(proposal, ports, options, guard, record)
    executor = Executor(proposal.planned, ports, guard, rules, record.write, stepping)
    try:
        is_paused = executor.run()
    except BundlerError as error:
        changes = proposal.plan.changes
        told = error if executor.progress.is_whole(changes) else _with_the_rest(error)
        raise record.fail(told, executor.progress.summary(changes)) from error
    return ChangeResult(proposal=proposal, revision=record.revision, is_paused=is_paused)


def _with_the_rest(error: BundlerError) -> BundlerError:
    """Return the error of a run that did not write everything: only another run does, and no wait."""
    if not isinstance(error, WaitTimeoutError) or isinstance(error.hint, Again):
        return error
    return error.with_context(hint=Again(after=", with a larger --timeout: not everything is written yet"))


def _checking(proposal: Proposal, ports: Ports, record: RunRecord, options: RunOptions) -> Callable[[Guard], None]:
    """Return what runs the checks of the revision that is made, reports their results, and fails if one failed."""

    def check(guard: Guard) -> None:
        began = ports.clock.now()
        run = f"test-of-revision-{record.revision.summary.revision}"
        wanted = checks_wanted(proposal.planned.wanted, proposal.drafted.revision, run=run)
        hint = Again("fix what is named above and ", after=_way_back(proposal))
        runs = run_checks(wanted, ports, WaitRules(uid=wanted.uid), guard)
        if options.on_checks is not None:
            options.on_checks(CheckReport(revision=record.revision.summary, began=began, runs=runs))
        require_passed(runs, hint=hint)

    return check


def _way_back(proposal: Proposal) -> str:
    """Return the command that undoes a failed upgrade; nothing where there is nothing to go back to."""
    deployed, draft = proposal.history.deployed, proposal.drafted
    if deployed is None or draft.revision.rolled_back_to:
        return ""
    return f", or go back with `bundler rollback {draft.release} {deployed.revision} -n {draft.namespace}`"
