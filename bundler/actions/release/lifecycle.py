"""Change a release: the way of every verb that writes. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from bundler.actions.change.executor import Executor
from bundler.actions.change.make_plan import Planned, make_plan
from bundler.actions.change.run_control import Guard, recording
from bundler.actions.change.wait import WaitRules
from bundler.actions.release.gates import find_problems
from bundler.actions.release.history import History, load_history, mark_interrupted_runs, with_barriers
from bundler.actions.release.namespace import absent_namespace, create_namespace
from bundler.actions.release.other_releases import OtherReleases
from bundler.actions.release.run_record import RunRecord, jobs_of_failed_revisions
from bundler.actions.release.terms import Terms
from bundler.errors import BundlerError, ConfirmationRequiredError, InterruptedRunError
from bundler.errors.change import (
    FieldConflictError,
    LockLostError,
    ReleaseLockedError,
    RevisionExistsError,
    WaitTimeoutError,
)
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
from bundler.planning.problem import refuse
from bundler.planning.site_policy import other_cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.actions.change.make_plan import IsRecorded
    from bundler.actions.compose.compose import Composition
    from bundler.actions.release.gates import Proposed
    from bundler.model.change import Plan
    from bundler.model.cluster import ClusterIdentity
    from bundler.model.json import Body
    from bundler.model.manifest import GeneratedSecret
    from bundler.planning.problem import Problem
    from bundler.ports import ClusterClient, HeldLock, Ports

_EVIDENCE_CHARS = 65_536
_REASON_CHARS = 100
_SHOWN_IN_THE_PLAN = frozenset({ConfirmationRequiredError, FieldConflictError})
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
    """What the bundle declares; nothing for a recorded revision: no record declares reach for itself."""
    readiness: tuple[ReadinessRule, ...] = ()
    recorded: Revision | None = None
    """The revision whose values this one starts from; None where there is none."""
    fallback: Revision | None = None
    """The deployed revision, whole, as it was read before the approval; an automatic rollback restores it."""
    upgrades_from: str = ""
    """The versions that the bundle upgrades from; empty: any."""
    composition: Composition | None = None
    """What the bundle and the values come to; None for a recorded revision."""
    started_from: str = ""
    """Where the values started: ``what revision 3 recorded``, ``the files named``, ``the bundle's defaults``."""

    @property
    def is_recorded(self) -> bool:
        """Tell whether this was read from a record instead of rendered from a bundle."""
        return self.revision.rolled_back_to > 0

    @property
    def recorded_values(self) -> Body | None:
        """User values of the recorded revision; None where there is none."""
        return self.recorded.user_values if self.recorded else None

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
    terms: Terms = field(default_factory=Terms)
    identity: ClusterIdentity | None = None
    """Which cluster this is; None where no site asks."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Afterwards:
    """What follows when a change meets what was not there when it was planned."""

    recover: Recovery | None = None
    """What a failed change is followed by, under the same lock; None leaves things as they are."""
    redraft: Callable[[], Draft] | None = None
    """Makes the draft anew where another revision was deployed between our look and our lock."""


_NOTHING = Afterwards()


def propose(draft: Draft, terms: Terms, ports: Ports) -> Proposal:
    """Plan a draft against the cluster; nothing is written."""
    history = _history_for(draft, ports)
    planned = make_plan(wanted_of(draft, history, ports), ports.cluster, is_recorded=_others(draft, ports))
    return Proposal(
        planned=planned, draft=draft, history=history, terms=terms, identity=identity_for(terms, ports.cluster)
    )


def identity_for(terms: Terms, cluster: ClusterClient) -> ClusterIdentity | None:
    """Ask which cluster this is, where the site file names one."""
    return cluster.identity() if terms.site is not None and terms.site.cluster_uid else None


def require_cluster(terms: Terms, cluster: ClusterClient) -> None:
    """Stop before another cluster than the site's is looked at; what is seen there would only mislead.

    Raises:
        WrongClusterError: when the site file names another cluster.
    """
    identity = identity_for(terms, cluster)
    if terms.site is not None and identity is not None:
        refuse(other_cluster(identity, terms.site))


def pass_gates(proposal: Proposed, *, written: str = "nothing") -> list[Problem]:
    """Hold a proposal against every gate, and stop where one refuses it.

    Args:
        proposal: a plan, not yet shown.
        written: what this run wrote so far, for the hint.

    Returns:
        What stops the change too, but only after its plan was shown: field conflicts, and losses that no one is there
        to confirm.

    Raises:
        BundlerError: with every problem of every gate.
    """
    problems = find_problems(proposal)
    if any(problem.error not in _SHOWN_IN_THE_PLAN for problem in problems):
        refuse(problems, written=written)
    return problems


def replan(first: Proposal, ports: Ports, redraft: Callable[[], Draft] | None = None) -> Proposal:
    """Plan once more under the lock: lists only, and dry-runs of what moved since.

    Args:
        first: what was shown.
        ports: the cluster and everything else outside.
        redraft: makes the draft anew where another revision was deployed since, whose values are now the start.
    """
    draft = first.draft
    history = mark_interrupted_runs(_history_for(draft, ports), ports)
    if redraft is not None and _deployed_number(history) != _deployed_number(first.history):
        draft = redraft()
    is_same = history == first.history and draft is first.draft
    wanted = first.planned.wanted if is_same else wanted_of(draft, history, ports)
    planned = make_plan(wanted, ports.cluster, earlier=first.planned, is_recorded=_others(draft, ports))
    return replace(first, planned=planned, draft=draft, history=history, is_second_look=True)


def _history_for(draft: Draft, ports: Ports) -> History:
    history = load_history(ports, draft.namespace, draft.release)
    return with_barriers(history, draft.revision.rolled_back_to, ports.store) if draft.is_recorded else history


def _others(draft: Draft, ports: Ports) -> IsRecorded:
    return OtherReleases(ports.store, draft.namespace).is_recorded


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
    terms: Terms,
    ports: Ports,
    options: RunOptions,
    approve: Callable[[Proposal], bool],
    after: Afterwards = _NOTHING,
) -> ChangeResult:
    """Plan, pass the gates, ask, lock, look again, pass them again, record, apply, wait, prune, record.

    Args:
        draft: the revision to be.
        terms: what it is held against.
        ports: the cluster and everything else outside.
        options: how.
        approve: shows a proposal, and asks where it can; False ends the run with nothing done.
        after: what follows when another revision was deployed meanwhile, and when the change fails.

    Raises:
        BundlerError: what ended the run. The record says the same, and the same command can be run again.
    """
    first = propose(draft, terms, ports)
    unconfirmed = pass_gates(first)
    if is_no_op(first, options):
        _settle(first.history, ports, options)
        return ChangeResult(proposal=first, revision=None)
    if first.planned.creates_namespace and not options.may_create_namespace:
        raise absent_namespace(draft.namespace)
    if not approve(first):
        return ChangeResult(proposal=first, revision=None, is_declined=True)
    refuse(unconfirmed)
    _stop_if_late(ports, "planning the change")
    if first.planned.creates_namespace:
        create_namespace(draft.namespace, ports)
    doing = draft.revision.summary.status.value
    with ports.lock.hold(draft.namespace, draft.release, doing=doing, timeout_s=options.lock_timeout_s) as held:
        ports = ports.under(held)
        second = replan(first, ports, after.redraft)
        written = f"nothing but namespace {draft.namespace}" if first.planned.creates_namespace else "nothing"
        unconfirmed = pass_gates(second, written=written)
        if is_no_op(second, options):
            return ChangeResult(proposal=second, revision=None)
        if outline(second.plan) != outline(first.plan):
            if not approve(second):
                return ChangeResult(proposal=second, revision=None, is_declined=True)
            refuse(unconfirmed, written=written)
        _stop_if_late(ports, "locking the release and looking again")
        return _carry_out_or_recover(second, ports, options, held, after.recover)


def _carry_out_or_recover(
    proposal: Proposal, ports: Ports, options: RunOptions, held: HeldLock, recover: Recovery | None
) -> ChangeResult:
    try:
        return carry_out(proposal, ports, options, held)
    except (InterruptedRunError, LockLostError, RevisionExistsError):
        raise
    except BundlerError as error:
        if recover is None:
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
    """Make the marks that a run did not live to make; whoever is alive and holds the lock makes them itself."""
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
    """Tell whether there is nothing to write and nothing new to record."""
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
        (change.ref, change.action, change.desired.body if change.desired else None, change.live_uid, change.conflicts)
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
    if done_since := jobs_of_failed_revisions(proposal.plan, proposal.history, ports):
        record.note_finished(done_since)
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
        record_failure(record.revision, error, ports, held)
        raise
    number = record.revision.summary.revision
    try:
        with recording(held, f"recording revision {number} as deployed"):
            done = _record_deployed(record.revision, proposal.history, ports, options)
    except LockLostError as error:
        written = "everything in the plan was carried out; only the record could not be marked deployed"
        error.context = (*error.context, written)
        raise
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


def record_failure(revision: Revision, error: BundlerError, ports: Ports, held: HeldLock) -> None:
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
        lost.context = (*lost.context, *error.context)
        raise
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
