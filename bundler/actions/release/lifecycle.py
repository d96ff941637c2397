"""Change a release: the way of every verb that writes (product.md section 5). Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bundler.actions.change.executor import Executor
from bundler.actions.change.make_plan import Planned, make_plan
from bundler.actions.change.run_control import Guard
from bundler.actions.change.wait import WaitRules
from bundler.actions.release.history import History, load_history, mark_interrupted_runs
from bundler.actions.release.namespace import absent_namespace, create_namespace
from bundler.actions.release.run_record import RunRecord
from bundler.errors import BundlerError, InterruptedRunError
from bundler.errors.change import LockLostError, ReleaseLockedError, RevisionExistsError, WaitTimeoutError
from bundler.health.pods import FailFast
from bundler.model.bundle import Reach, ReadinessRule
from bundler.model.change import Action, Stage
from bundler.model.events import Notice
from bundler.model.lean import dataclass, field, replace
from bundler.model.names import release_uid
from bundler.model.refs import ObjectRef
from bundler.model.release import ReleaseStatus, Revision
from bundler.model.size import shortened
from bundler.planning.jobs import finished_before, is_job, runs_of
from bundler.planning.observation import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.model.change import Change, Plan
    from bundler.model.json import Body
    from bundler.model.manifest import GeneratedSecret
    from bundler.ports import HeldLock, Ports

_EVIDENCE_CHARS = 65_536
_REASON_CHARS = 100
_CAUSE_CHARS = 240
"""Of a reason in the columns; the whole of it stands in the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a change is carried out; the same for every verb."""

    waits: bool = True
    may_create_namespace: bool = True
    history_max: int = 10
    lock_timeout_s: float = 0.0
    fail_fast: FailFast = field(default_factory=FailFast)
    forces_revision: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A revision to be, and what of its making the record does not hold."""

    revision: Revision
    """Numbered 0, its status the pending one of the verb."""
    generated: tuple[GeneratedSecret, ...] = ()
    reach: Reach = field(default_factory=Reach)
    readiness: tuple[ReadinessRule, ...] = ()
    recorded_values: Body | None = None
    """User values of the newest revision; None where there is none."""

    @property
    def release(self) -> str:
        """The release's name."""
        return self.revision.summary.release

    @property
    def namespace(self) -> str:
        """The release's namespace."""
        return self.revision.summary.namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A plan before it is carried out, as it is shown."""

    planned: Planned
    draft: Draft
    history: History
    is_second_look: bool = False
    """The cluster moved since the plan was first shown, and the changes differ."""

    @property
    def plan(self) -> Plan:
        """What would be done."""
        return self.planned.plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeResult:
    """What became of a change."""

    proposal: Proposal
    revision: Revision | None
    """None where nothing was done: no change, or the answer was no."""
    is_declined: bool = False


Recovery: TypeAlias = "Callable[[BundlerError, Proposal, HeldLock], BundlerError]"


def propose(draft: Draft, ports: Ports) -> Proposal:
    """Plan a draft against the cluster; nothing is written."""
    history = load_history(ports, draft.namespace, draft.release)
    planned = make_plan(wanted_of(draft, history, ports), ports.cluster)
    return Proposal(planned=planned, draft=draft, history=history)


def replan(first: Proposal, ports: Ports, redraft: Callable[[], Draft] | None = None) -> Proposal:
    """Plan once more under the lock: lists only, and dry-runs of what moved since (R6.7).

    Args:
        first: what was shown.
        ports: the cluster and everything else outside.
        redraft: makes the draft anew where somebody deployed another revision since, whose values are now the start.
    """
    draft = first.draft
    history = mark_interrupted_runs(load_history(ports, draft.namespace, draft.release), ports)
    if redraft is not None and _deployed_number(history) != _deployed_number(first.history):
        draft = redraft()
    is_same = history == first.history and draft is first.draft
    wanted = first.planned.wanted if is_same else wanted_of(draft, history, ports)
    planned = make_plan(wanted, ports.cluster, earlier=first.planned)
    return Proposal(planned=planned, draft=draft, history=history, is_second_look=True)


def _deployed_number(history: History) -> int:
    return history.deployed.revision if history.deployed else 0


def wanted_of(draft: Draft, history: History, ports: Ports) -> Wanted:
    """Return what a draft wants, with what the release owned before."""
    deployed = ports.store.load(history.deployed) if history.deployed else None
    manifests = tuple(entry.manifest for entry in draft.revision.inventory if entry.manifest is not None)
    jobs = [manifest.ref for manifest in manifests if is_job(manifest.ref)]
    have_run = deployed.refs.intersection(jobs) if deployed else frozenset[ObjectRef]()
    return Wanted(
        release=draft.release,
        namespace=draft.namespace,
        uid=release_uid(draft.namespace, draft.release),
        manifests=manifests,
        generated=draft.generated,
        needs=draft.revision.needs,
        reach=draft.reach,
        owned=history.owned,
        unsearched=history.unsearched,
        finished_jobs=finished_before(jobs, history.summaries) | have_run,
        job_runs=runs_of(jobs, history.summaries, rolled_back_to=draft.revision.rolled_back_to),
        is_rollback=draft.revision.rolled_back_to > 0,
    )


def change_release(
    draft: Draft,
    ports: Ports,
    options: RunOptions,
    approve: Callable[[Proposal], bool],
    *,
    recover: Recovery | None = None,
    redraft: Callable[[], Draft] | None = None,
) -> ChangeResult:
    """Plan, ask, lock, look again, record, apply, wait, prune, record.

    Args:
        draft: the revision to be.
        ports: the cluster and everything else outside.
        options: how.
        approve: shows a proposal, and asks where it can; False ends the run with nothing done.
        recover: what a failed change is followed by, under the same lock; None leaves things as they are.
        redraft: makes the draft anew where somebody deployed another revision between our look and our lock.

    Raises:
        BundlerError: what ended the run. The record says the same, and the same command can be run again.
    """
    first = propose(draft, ports)
    if is_no_op(first, options):
        _settle(first.history, ports, options)
        return ChangeResult(proposal=first, revision=None)
    if first.planned.creates_namespace and not options.may_create_namespace:
        raise absent_namespace(draft.namespace)
    if not approve(first):
        return ChangeResult(proposal=first, revision=None, is_declined=True)
    _stop_if_late(ports, "planning the change")
    if first.planned.creates_namespace:
        create_namespace(draft.namespace, ports)
    doing = draft.revision.summary.status.value
    with ports.lock.hold(draft.namespace, draft.release, doing=doing, timeout_s=options.lock_timeout_s) as held:
        second = _look_at_what_is_there(first, ports, redraft)
        if is_no_op(second, options):
            return ChangeResult(proposal=second, revision=None)
        if outline(second.plan) != outline(first.plan) and not approve(second):
            return ChangeResult(proposal=second, revision=None, is_declined=True)
        _stop_if_late(ports, "locking the release and looking again")
        try:
            return carry_out(second, ports, options, held)
        except (InterruptedRunError, LockLostError):
            raise
        except BundlerError as error:
            if recover is None:
                raise
            raise recover(error, second, held) from error


def _stop_if_late(ports: Ports, phase: str) -> None:
    """Begin nothing that there is no time for: a revision would be recorded that cannot but fail."""
    if ports.remaining_s() > 0:
        return
    raise WaitTimeoutError(
        f"{phase}; the time of the whole command ran out in this phase",
        context=["no object of the release was written, and no revision recorded"],
        hint="run the same command again, with a larger --timeout",
    )


def _look_at_what_is_there(first: Proposal, ports: Ports, redraft: Callable[[], Draft] | None) -> Proposal:
    """Look again; what stops the plan now stops it after the namespace was made, and says so."""
    try:
        return replan(first, ports, redraft)
    except BundlerError as error:
        if first.planned.creates_namespace and error.hint:
            made = f"nothing but namespace {first.draft.namespace} was written"
            error.hint = error.hint.replace("nothing was written", made)
        raise


def _settle(history: History, ports: Ports, options: RunOptions) -> None:
    """Make the marks that a run did not live to make; whoever is alive and holds the lock makes them itself."""
    if history.is_settled:
        return
    place = (history.namespace, history.release)
    try:
        with ports.lock.hold(*place, doing="settling the record", timeout_s=options.lock_timeout_s):
            mark_interrupted_runs(load_history(ports, *place), ports)
    except ReleaseLockedError:
        return


def is_no_op(proposal: Proposal, options: RunOptions) -> bool:
    """Tell whether there is nothing to write and nothing new to record (R18.1)."""
    newest = proposal.history.newest
    if not proposal.plan.is_empty or options.forces_revision or newest is None or proposal.history.is_newest_damaged:
        return False
    draft = proposal.draft
    return (
        newest.status is ReleaseStatus.DEPLOYED
        and newest.bundle.digest == draft.revision.summary.bundle.digest
        and draft.recorded_values == draft.revision.user_values
    )


def outline(plan: Plan) -> list[tuple[object, ...]]:
    """Return what a plan does, without what it does it with: two plans that look the same need not be shown twice."""
    return [
        (change.ref, change.action, change.desired.body if change.desired else None, change.live_uid)
        for change in plan.changes
        if change.action is not Action.NONE and (change.ref.kind, change.stage) != ("Namespace", Stage.DEFINITIONS)
    ]


def carry_out(proposal: Proposal, ports: Ports, options: RunOptions, held: HeldLock) -> ChangeResult:
    """Record, apply, wait, prune, record; the lock is held.

    Raises:
        BundlerError: what ended the run; it is in the record too.
    """
    revision = _record_pending(proposal, ports, options)
    record = RunRecord(revision, ports)
    guard = Guard(ports, held)
    rules = WaitRules(
        uid=proposal.planned.wanted.uid,
        waits=options.waits,
        readiness=proposal.draft.readiness,
        fail_fast=options.fail_fast,
        finished_jobs=proposal.planned.wanted.finished_jobs,
        way_back=_way_back(proposal),
        note_finished=record.note_finished,
    )
    executor = Executor(proposal.planned, ports, guard, rules)
    try:
        executor.run()
    except BundlerError as error:
        error.context = (*error.context, *executor.progress.summary(proposal.plan.changes))
        record_failure(record.revision, error, ports)
        raise
    done = _record_deployed(record.revision, proposal.history, ports, options)
    return ChangeResult(proposal=proposal, revision=done)


def _way_back(proposal: Proposal) -> str:
    """Return the command that undoes a failed upgrade; nothing where there is nothing to go back to."""
    deployed, draft = proposal.history.deployed, proposal.draft
    if deployed is None or draft.revision.rolled_back_to:
        return ""
    return f", or go back with `bundler rollback {draft.release} {deployed.revision} -n {draft.namespace}`"


def _record_pending(proposal: Proposal, ports: Ports, options: RunOptions) -> Revision:
    """Record the intention, inventory included, before the first object is written."""
    number, now = proposal.history.next_number, ports.clock.now()
    draft = proposal.draft.revision
    summary = replace(
        draft.summary,
        revision=number,
        created=now,
        updated=now,
        objects=len(draft.refs),
        is_waited=options.waits,
        finished_jobs=(),
    )
    try:
        return ports.store.save(replace(draft, summary=summary))
    except RevisionExistsError as error:
        error.hint = "run the same command again; somebody else was quicker"
        raise


def record_failure(revision: Revision, error: BundlerError, ports: Ports) -> None:
    """Say in the record what ended a run; a run that lost its lock, or cannot reach the cluster, writes nothing."""
    if isinstance(error, LockLostError):
        return
    is_stopped = isinstance(error, InterruptedRunError)
    status = ReleaseStatus.INTERRUPTED if is_stopped else ReleaseStatus.FAILED
    evidence = ports.redactor.redact("\n".join([str(error), *error.context]))[:_EVIDENCE_CHARS]
    description = ports.redactor.redact(f"{error.code}: {_cause(error)}")
    try:
        ports.store.mark(revision.summary, status, description=description, evidence=evidence)
    except BundlerError as unwritten:
        ports.report(Notice(f"the record could not be marked {status}: {unwritten}; the next run will do it"))


def _cause(error: BundlerError) -> str:
    """Return in a line what ended a run: the first object named, and its pod's reason; the rest is the evidence."""
    pods = [line.strip() for line in error.context if line.startswith("  pod ")]
    cause = "; ".join((*error.context[:1], *pods[:1])) or str(error)
    return shortened(cause, _CAUSE_CHARS)


def _record_deployed(revision: Revision, history: History, ports: Ports, options: RunOptions) -> Revision:
    summary = ports.store.mark(
        revision.summary, ReleaseStatus.DEPLOYED, description=_description(revision, options, ports)
    )
    for older in history.summaries:
        if older.status is ReleaseStatus.DEPLOYED:
            ports.store.mark(older, ReleaseStatus.SUPERSEDED, description=older.description)
    ports.store.prune(history.namespace, history.release, history_max=options.history_max)
    return replace(revision, summary=summary)


def _description(revision: Revision, options: RunOptions, ports: Ports) -> str:
    """Return what the history says of a revision that went well, in a line: why it was made."""
    reason = " ".join(ports.redactor.redact(revision.authorship.reason).split())
    back = revision.rolled_back_to
    said = (
        "" if options.waits else "deployed, not waited",
        f"rolled back to revision {back}" if back else "",
        shortened(reason, _REASON_CHARS),
    )
    return "; ".join(part for part in said if part)


def changes_of(plan: Plan, *actions: Action) -> list[Change]:
    """Return the changes of a plan that do one of these."""
    return [change for change in plan.changes if change.action in actions]
