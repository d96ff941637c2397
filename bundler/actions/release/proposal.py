"""What a change would do, before it is done: a draft, the plan made of it, and its gates. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import bundler.actions.release
from bundler.actions.change.make_plan import Planned, make_plan, without_hooks
from bundler.actions.ordering.keeping import order_at_first, order_under_lock
from bundler.actions.release.backups import backups_of
from bundler.actions.release.gates import find_problems
from bundler.actions.release.history import History, load_history, load_whole, with_barriers
from bundler.actions.release.hook_runs import hooks_of, left_by_rollback
from bundler.actions.release.kept_secrets import learn_shown_secrets
from bundler.actions.release.no_op import is_pending
from bundler.actions.release.other_releases import OtherReleases
from bundler.actions.release.recorded_parts import conflict_rules_of
from bundler.actions.release.terms import Terms
from bundler.actions.release.unfinished import mark_interrupted_runs
from bundler.errors import ConfirmationRequiredError
from bundler.errors.change import (
    ClosedWindowError,
    FieldConflictError,
    KeptReleaseError,
    OrdersHeldError,
    RecordDamagedError,
)
from bundler.model.bundle import Reach, ReadinessRule, RecreateRule
from bundler.model.change import Action, Plan
from bundler.model.conflicts import policy_of
from bundler.model.events import Warned
from bundler.model.lean import dataclass, field, replace
from bundler.model.names import release_uid
from bundler.model.refs import ObjectRef
from bundler.planning.jobs import finished_before, is_job, runs_of
from bundler.planning.observation import Wanted
from bundler.planning.problem import Problem, refuse
from bundler.planning.recreate import asked_by_flag
from bundler.planning.site_policy import other_cluster
from bundler.planning.windows import closed_windows

if TYPE_CHECKING:
    from datetime import datetime

    from bundler.actions.change.ask_server import IsRecorded
    from bundler.actions.compose.compose import Composition
    from bundler.model.cluster import ClusterIdentity
    from bundler.model.json import Body
    from bundler.model.manifest import GeneratedSecret
    from bundler.model.orders import KeepingOrder
    from bundler.model.release import Revision, RevisionSummary
    from bundler.ports import Clock, ClusterClient, Ports, Reporter

REFUSED_NOW = frozenset({ClosedWindowError, KeptReleaseError, OrdersHeldError})
"""What stops a change, and not a plan that is only shown: it may be carried out later."""
_OF_CHANGES_ALONE = REFUSED_NOW | {ConfirmationRequiredError}
_SHOWN_IN_THE_PLAN = _OF_CHANGES_ALONE | {FieldConflictError}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A revision to be, and what of its making the record does not hold."""

    revision: Revision
    """Numbered 0, its status the pending one of the verb; one that is recorded already keeps its number."""
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
    recreates: tuple[RecreateRule, ...] = ()
    """Objects that the bundle says may be recreated."""
    composition: Composition | None = None
    """What the bundle and the values come to; None for a recorded revision."""
    aborts: RevisionSummary | None = None
    """The revision whose rollout ends with this change, which brings the deployed one back: its rollout says by whom
    and why. None for every other change."""
    started_from: str = ""
    """Where the values started: ``what revision 3 recorded``, ``the files named``, ``the bundle's defaults``."""

    @property
    def is_recorded(self) -> bool:
        """Return whether this was read from a record instead of rendered from a bundle."""
        return self.revision.rolled_back_to > 0

    @property
    def is_continued(self) -> bool:
        """Return whether its revision is recorded already: its rollout continues."""
        return self.revision.summary.revision > 0

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
    """A plan before it is carried out, as it is shown.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     proposal = session.plan(ReleaseRequest(bundle="webapp", release="shop"))
        >>> (proposal.draft.revision.summary.bundle.name, proposal.planned.creates_namespace, proposal.is_second_look)
        ('webapp', False, False)
    """

    planned: Planned
    """The plan, with what was seen in the cluster and what the API server answered."""
    history: History
    """What is recorded of the release."""
    draft: Draft | None = None
    """The revision to be; None for an uninstall, which makes none."""
    terms: Terms = field(default_factory=Terms)
    """What the change is checked against: the site, the signatures, what is accepted."""
    identity: ClusterIdentity | None = None
    """Which cluster this is; None where no site asks."""
    order: KeepingOrder | None = None
    """The order that keeps the release; None where there is none."""
    held_orders: tuple[ObjectRef, ...] = ()
    """For an uninstall of the controller: the orders that it alone lets go."""
    moment: datetime | None = None
    """When it was planned; None where the site's deployment windows do not ask."""
    is_second_look: bool = False
    """The cluster moved since the plan was first shown, and the changes differ."""
    left: Revision | None = None
    """Of a rollback to another revision: the deployed one, which says which values stay."""
    kept_secrets: frozenset[str] = frozenset()
    """What the kept revisions recorded as sensitive, where something live differs: it may be live still."""
    hidden: Plan | None = None
    """For an uninstall: the plan in which what the records hide is hidden in the live objects, too."""

    @property
    def drafted(self) -> Draft:
        """The revision to be.

        Raises:
            ValueError: for an uninstall.
        """
        if self.draft is None:
            raise ValueError("an uninstall makes no revision")
        return self.draft

    @property
    def outside_window(self) -> str:
        """Why this is done although the site's deployment windows are closed; empty where they are open."""
        reason = self.terms.accepted.outside_window.strip()
        return reason if reason and any(closed_windows(self.terms.site, self.moment)) else ""

    @property
    def plan(self) -> Plan:
        """What would be done."""
        return self.planned.plan

    @property
    def shown(self) -> Plan:
        """The plan to look at."""
        return self.hidden or self.planned.plan


def propose(draft: Draft, terms: Terms, ports: Ports) -> Proposal:
    """Plan a draft against the cluster; nothing is written.

    Args:
        draft: what the release is to become.
        terms: policy of the site and what the user accepts.
        ports: the cluster, records, clock and reporter of the run.
    """
    history = _history_for(draft, ports)
    wanted = wanted_of(draft, history, terms, ports)
    planned = make_plan(wanted, ports.cluster, is_recorded=others_recorded(draft, ports))
    kept = learn_shown_secrets(planned, history, ports)
    draft, planned = bundler.actions.release.steps.as_asked(draft, planned, terms, ports)
    plan = bundler.actions.release.why.explained(planned, draft, history, ports.store)
    return _at_rest(
        Proposal(
            planned=replace(planned, plan=plan),
            draft=draft,
            history=history,
            left=_left(draft, history, ports),
            kept_secrets=kept,
            terms=terms,
            identity=identity_for(terms, ports.cluster),
            order=order_at_first(draft.namespace, draft.release, terms, ports),
            moment=moment_for(terms, ports.clock),
        )
    )


def _at_rest(proposal: Proposal) -> Proposal:
    """Leave out the hooks of what changes nothing: it is a change to no one, whatever is waited for or recorded."""
    if proposal.plan.hooks_written and not is_pending(proposal):
        return replace(proposal, planned=without_hooks(proposal.planned))
    return proposal


def moment_for(terms: Terms, clock: Clock) -> datetime | None:
    """Ask the time, where the site file has deployment windows."""
    return clock.now() if terms.site is not None and terms.site.deployment is not None else None


def identity_for(terms: Terms, cluster: ClusterClient) -> ClusterIdentity | None:
    """Ask which cluster this is, where the site file names one."""
    return cluster.identity() if terms.site is not None and terms.site.cluster_uid else None


def require_cluster(terms: Terms, cluster: ClusterClient) -> None:
    """Stop before another cluster than the site's is checked; what is seen there would only mislead.

    Raises:
        WrongClusterError: when the site file names another cluster.
    """
    identity = identity_for(terms, cluster)
    if terms.site is not None and identity is not None:
        refuse(other_cluster(identity, terms.site))


def pass_gates(proposal: Proposal, *, written: str = "nothing", is_shown: bool = False) -> list[Problem]:
    """Check a proposal against every gate, and stop where one refuses it.

    Args:
        proposal: a plan, not yet shown.
        written: what this run wrote so far, for the hint.
        is_shown: it is only shown; what would stop it now alone, or asks for a flag, says nothing of the plan.

    Returns:
        What stops the change too, but not its plan: field conflicts, losses that no one is there to confirm, closed
        deployment windows, an order that keeps the release, and orders that its controller holds.

    Raises:
        BundlerError: with every problem of every gate.
    """
    problems = find_problems(proposal)
    if any(problem.error not in _SHOWN_IN_THE_PLAN for problem in problems):
        ignored = _OF_CHANGES_ALONE if is_shown else frozenset()
        refuse([problem for problem in problems if problem.error not in ignored], written=written)
    return problems


def refuse_now(problems: Iterable[Problem], *, written: str = "nothing") -> None:
    """Stop a change before anyone is asked about it: deployment windows are closed, or orders are in the way.

    Args:
        problems: what stops it.
        written: what this run wrote so far, for the hint.

    Raises:
        KeptReleaseError: with the order.
        OrdersHeldError: with the orders that the release of the controller holds.
        ClosedWindowError: with when the next window opens.
    """
    refuse([problem for problem in problems if problem.error in REFUSED_NOW], written=written)


def propose_checked(draft: Draft, terms: Terms, ports: Ports) -> Proposal:
    """Plan a draft that is only shown, and pass the gates; what would stop it now alone is warned of.

    Args:
        draft: what the release is to become.
        terms: policy of the site and what the user accepts.
        ports: the cluster, records, clock and reporter of the run.

    Raises:
        BundlerError: whatever would stop the change.
    """
    proposal = propose(draft, terms, ports)
    warn_of_refusal(pass_gates(proposal, is_shown=True), ports.report)
    return proposal


def warn_of_refusal(problems: Iterable[Problem], report: Reporter) -> None:
    """Say of a plan that is only shown why it would not be carried out now."""
    for problem in problems:
        if problem.error in REFUSED_NOW:
            report(Warned(f"this change would be refused now: {'; '.join(problem.lines)}"))


def replan(first: Proposal, ports: Ports, redraft: Callable[[], Draft] | None = None) -> Proposal:
    """Plan once more under the lock: lists only, and dry-runs of what moved since.

    Args:
        first: what was shown.
        ports: the cluster and everything else outside.
        redraft: makes the draft again where another revision was deployed since, whose values are now the start.
    """
    draft = first.drafted
    history = mark_interrupted_runs(_history_for(draft, ports), ports)
    if redraft is not None and _base_of(history) != _base_of(first.history):
        draft = redraft()
    is_same = history == first.history and draft is first.drafted
    wanted = first.planned.wanted if is_same else wanted_of(draft, history, first.terms, ports)
    planned = make_plan(wanted, ports.cluster, earlier=first.planned, is_recorded=others_recorded(draft, ports))
    kept = learn_shown_secrets(planned, history, ports)
    draft, planned = bundler.actions.release.steps.as_asked(draft, planned, first.terms, ports)
    if outline(planned.plan) == outline(first.plan):
        plan = bundler.actions.release.why.explained_as(first.plan, planned.plan)
    else:
        plan = bundler.actions.release.why.explained(planned, draft, history, ports.store)
    second = replace(
        first,
        planned=replace(planned, plan=plan),
        draft=draft,
        history=history,
        left=_left(draft, history, ports),
        kept_secrets=kept,
        order=order_under_lock(draft.namespace, draft.release, first.terms, ports),
        moment=moment_for(first.terms, ports.clock),
        is_second_look=True,
    )
    return _at_rest(second)


def _left(draft: Draft, history: History, ports: Ports) -> Revision | None:
    deployed = history.deployed
    if not draft.is_recorded or deployed is None or deployed.revision == draft.revision.rolled_back_to:
        return None
    try:
        return load_whole(deployed, ports.store)
    except RecordDamagedError:  # its sensitive part alone: what it hid cannot be compared
        return ports.store.load(deployed)


def _history_for(draft: Draft, ports: Ports) -> History:
    history = load_history(ports, draft.namespace, draft.release)
    return with_barriers(history, draft.revision.rolled_back_to, ports.store) if draft.is_recorded else history


def others_recorded(draft: Draft, ports: Ports) -> IsRecorded:
    """Return what says whether the release that an object belongs to still exists."""
    return OtherReleases(ports.store, draft.namespace).is_recorded


def _base_of(history: History) -> tuple[int, str]:
    """Return what a draft is made from: the deployed revision, and how far an open rollout has come."""
    rolled_out = history.open_rollout
    return history.deployed.revision if history.deployed else 0, rolled_out.resource_version if rolled_out else ""


def wanted_of(draft: Draft, history: History, terms: Terms, ports: Ports) -> Wanted:
    """Return what a draft wants, with what the release owned before.

    Args:
        draft: what the release is to become.
        history: its recorded revisions.
        terms: what the site and the user say of fields that others set.
        ports: the cluster, records, clock and reporter of the run.
    """
    deployed = ports.store.load(history.deployed) if history.deployed else None
    before = draft.recorded or deployed
    target = draft.revision.rolled_back_to
    left = left_by_rollback(history, target, ports.store) if target else None
    are_skipped = terms.skips_hooks or (terms.continues_rollout and bool(draft.revision.skipped_hooks))
    hooks = hooks_of(draft.revision, left, history, ports.store, are_skipped=are_skipped)
    backups = backups_of(None if draft.is_recorded else draft.revision, deployed, history, terms, ports.store)
    dormant = draft.revision.dormant
    ports.redactor.learn(*hooks.sensitive, *backups.sensitive)
    entries = (entry for entry in draft.revision.inventory if entry.ref not in dormant)
    manifests = tuple(entry.manifest for entry in entries if entry.manifest is not None)
    jobs = [manifest.ref for manifest in manifests if is_job(manifest.ref)]
    site_rules = terms.site.conflicts if terms.site else ()
    have_run = deployed.refs.intersection(jobs) if deployed else frozenset[ObjectRef]()
    return Wanted(
        release=draft.release,
        namespace=draft.namespace,
        uid=release_uid(draft.namespace, draft.release),
        manifests=(*manifests, *hooks.manifests),
        generated=draft.generated,
        needs=draft.revision.needs,
        reach=draft.reach,
        owned=history.owned,
        recorded={one.ref: one for one in before.manifests} if before else {},
        unsearched=history.unsearched,
        finished_jobs=finished_before(jobs, history.current) | have_run | hooks.finished,
        sensitive=draft.revision.sensitive | hooks.sensitive | backups.sensitive,
        hook_run=hooks.run,
        hooks=hooks.refs,
        skipped_hooks=hooks.skipped,
        dormant=dormant - hooks.refs,
        job_runs=runs_of(jobs, history.summaries, rolled_back_to=target),
        backups=backups.manifests,
        rollout=draft.revision.summary.rollout,
        adopts=terms.adopts,
        recreates=(*asked_by_flag(terms.recreates), *draft.recreates),
        begun_recreating=_begun_recreating(history, ports),
        conflicts=policy_of(
            terms.on_conflict, site_rules, conflict_rules_of(draft.revision), said_by=terms.policy_said_by
        ),
        left_to_others=deployed.left_to_others if deployed else {},
        is_rollback=draft.is_recorded,
        goes_back_to=0 if left is None and history.has_installed(target) else target,
    )


def _begun_recreating(history: History, ports: Ports) -> Mapping[ObjectRef, int]:
    """Return what the newest revision was to recreate, where its run did not end well."""
    newest = history.newest
    if newest is None or newest.status.was_deployed or history.is_uninstalled:
        return {}
    try:
        return {ObjectRef.parse(text): newest.revision for text in ports.store.load(newest).recreated}
    except (RecordDamagedError, ValueError):
        return {}  # the plan is the same, and does not say why an object is missing


def outline(plan: Plan) -> list[tuple[object, ...]]:
    """Return what a plan does, without what it does it with: two plans that look the same need not be shown twice."""
    return [
        (
            change.ref,
            change.action,
            change.desired.body if change.desired else None,
            change.live_uid,
            change.conflicts,
            change.decided,
        )
        for change in plan.changes
        if change.action is not Action.NONE and (change.ref.group, change.ref.kind) != ("", "Namespace")
    ]
