"""Put back what drifted, from the record of the deployed revision; no revision is made. Layer: actions.

Where nothing differs, nothing is written, the lock included: it is taken once something does, and then it is compared
again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.actions.change.executor import Executor
from bundler.actions.change.run_control import Guard, recording
from bundler.actions.change.wait import WaitRules
from bundler.actions.release.gates import find_problems
from bundler.actions.release.namespace import create_namespace
from bundler.actions.release.proposal import Proposal, identity_for, moment_for, outline, require_cluster
from bundler.actions.release.restoring import Deployed, plan_again, read_deployed, wanted_again
from bundler.actions.release.terms import Accepted, Terms
from bundler.errors import BundlerError
from bundler.errors.change import UnfinishedChangeError
from bundler.model.change import Action, Change
from bundler.model.conflicts import ConflictRule, OnConflict
from bundler.model.drift import Correction, DriftedObject, DriftKind
from bundler.model.kept import NEVER_DELETED
from bundler.model.lean import dataclass, replace
from bundler.model.manifest import Source
from bundler.model.refs import ObjectRef
from bundler.model.steps import Moment
from bundler.planning.drift import drifted_objects
from bundler.planning.kept_by_order import rollout_problems
from bundler.planning.problem import refuse
from bundler.planning.refusals import object_problems
from bundler.planning.safety import losses

if TYPE_CHECKING:
    from bundler.actions.change.make_plan import Planned
    from bundler.actions.release.history import History
    from bundler.model.release import RevisionSummary
    from bundler.model.site import Site
    from bundler.planning.observation import Wanted
    from bundler.ports import HeldLock, Ports

_SAID_BY = "correct"
_LEFT = Source("an earlier change", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Objects that differ, by what is done about them."""

    fixable: tuple[DriftedObject, ...]
    missing_data: tuple[DriftedObject, ...]
    """What held data and is gone."""
    refused: tuple[DriftedObject, ...]
    """What cannot be put back, with the reason."""
    new_namespaces: tuple[str, ...] = ()
    """What is made first, where that is accepted; they are not objects of the release."""

    def part_of(self, wanted: Wanted) -> Wanted:
        """Return what is wanted of the objects that are put back alone; none of the others is deleted for that."""
        return _part(wanted, {one.ref for one in self.fixable})


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionOptions:
    """How much of what differs is put back, and who is asked.

    Example:
        >>> from bundler import Accepted, CorrectionOptions, ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        ...     service = next(ref for ref in done.revision.refs if ref.kind == "Service")
        ...     gone = session.cluster.delete(service)
        ...     others = CorrectionOptions(only=done.revision.refs - {service})
        ...     session.correct("shop", options=others).objects
        ()
    """

    only: Collection[ObjectRef] | None = None
    """No other objects are written; None: all that differ."""
    left_alone: Collection[ObjectRef] = ()
    """Objects that stay as they are, even where they are missing."""
    accepted: Accepted = Accepted()
    """With ``losses``, what held data and is gone is made again, empty."""
    lock_timeout_s: float = 0.0
    """Seconds to wait for a lock that another run holds."""
    approve: bool | Proposal | Callable[[Proposal], bool] = True
    """What answers the plan, as for `Session.apply`; asked only where something differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRequest:
    """Which release is put back, and what of it stays."""

    release: str
    namespace: str
    ignored: tuple[ConflictRule, ...] = ()
    """Fields that stay as they are live."""
    site: Site | None = None
    options: CorrectionOptions = CorrectionOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What differs at one moment, and the plan that puts it back."""

    deployed: Deployed
    planned: Planned
    """Of everything that the revision wrote: its answers are used again."""
    found: Sorted
    proposal: Proposal | None
    """Of what is put back; None where nothing is."""

    def result(self, summary: RevisionSummary | None = None, *, is_declined: bool = False) -> Correction:
        """Return what became of it; nothing was put back where no summary is given."""
        return Correction(
            revision=summary or self.deployed.summary,
            objects=self.found.fixable if summary else (),
            missing_data=self.found.missing_data,
            refused=self.found.refused,
            is_declined=is_declined,
        )


def correct(request: CorrectionRequest, ports: Ports, approve: Callable[[Proposal], bool]) -> Correction:
    """Put back what differs from the deployed revision, and count it in the record of that revision.

    Args:
        request: which release, and how much of it.
        ports: the cluster, records, clock and reporter of the run.
        approve: asked with what would be written; False ends the run with nothing written.

    Raises:
        ReleaseNotFoundError: when there is no such release, or nothing of it is deployed.
        UnfinishedChangeError: when its last change failed, or is under way.
        RolloutOpenError: while it is upgraded in steps.
        ReleaseLockedError: when another run holds its lock.
        BundlerError: what a gate refuses, and what ended the run.
    """
    # What was granted when the revision was deployed is granted still, and no order asks for anything new.
    accepted = replace(request.options.accepted, wider_reach=True, order=None)
    terms = Terms(site=request.site, accepted=accepted, is_correction=True)
    require_cluster(terms, ports.cluster)
    first = _look(request, terms, ports)
    if first.proposal is None:
        return first.result()
    refuse(find_problems(first.proposal))
    if not approve(first.proposal):
        return first.result(is_declined=True)
    place = (request.namespace, request.release)
    with ports.lock.hold(*place, doing=_SAID_BY, timeout_s=request.options.lock_timeout_s) as held:
        ports = ports.under(held)
        second = _look(request, terms, ports, first.planned)
        if second.proposal is None:
            return second.result()
        refuse(find_problems(second.proposal))
        is_same = outline(second.proposal.plan) == outline(first.proposal.plan)
        if not is_same and not approve(replace(second.proposal, is_second_look=True)):
            return second.result(is_declined=True)
        for name in second.found.new_namespaces:
            create_namespace(name, second.planned.wanted.uid, ports)
        return second.result(_carry_out(second.proposal, second.deployed.summary, ports, held))


def _look(request: CorrectionRequest, terms: Terms, ports: Ports, earlier: Planned | None = None) -> _Look:
    """Compare everything, and plan to put back what may be: what differs otherwise is named in the result."""
    deployed = read_deployed(request.release, request.namespace, request.site, ports)
    _refuse_unfinished(deployed.history, ports)
    # Without hooks and backups, the plan is that of `drift`; what is left to others is left to them here, too.
    policy = deployed.policy((*request.ignored, *_left_to_others(deployed)), OnConflict.TAKE, _SAID_BY)
    wanted = wanted_again(deployed, policy, ports)
    planned = plan_again(deployed, wanted, ports, earlier)
    shown = drifted_objects(planned.plan, policy, deployed.revision.left_to_others, planned.observation.foreign)
    only, left_alone = request.options.only, request.options.left_alone
    asked = tuple(one for one in shown if (only is None or one.ref in only) and one.ref not in left_alone)
    found = sorted_out(asked, planned, terms.accepted)
    if not found.fixable:
        return _Look(deployed=deployed, planned=planned, found=found, proposal=None)
    proposal = Proposal(
        planned=plan_again(deployed, found.part_of(wanted), ports, planned),
        draft=deployed.draft,
        history=deployed.history,
        terms=terms,
        identity=identity_for(terms, ports.cluster),
        moment=moment_for(terms, ports.clock),
    )
    return _Look(deployed=deployed, planned=planned, found=found, proposal=proposal)


def _left_to_others(deployed: Deployed) -> Iterator[ConflictRule]:
    for ref, paths in deployed.revision.left_to_others.items():
        for path in paths:
            yield ConflictRule(policy=OnConflict.KEEP, kind=ref.kind, name=ref.name, path=path, source=_LEFT)


def _refuse_unfinished(history: History, ports: Ports) -> None:
    """Stop where the live objects may be those of a later change.

    Raises:
        RecordDamagedError: when the newest revision cannot be read.
        RolloutOpenError, UnfinishedChangeError: when it is not the deployed one.
    """
    refuse(rollout_problems(history.open_rollout))
    if history.is_newest_damaged:
        raise history.damaged[-1].error()
    newest = history.newest
    if newest is None or newest is history.deployed:
        return
    lock = ports.lock.state(history.namespace, history.release)
    at_it = [] if lock is None or lock.is_free else [f"{lock.holder.identity} holds the lock ({lock.doing})"]
    back = f"run that change again, or `bundler rollback {history.release} -n {history.namespace}`; then correct drift"
    raise UnfinishedChangeError(
        f"putting back what drifted of release {history.release}",
        context=[f"revision {newest.revision} is {newest.status}, so that live objects may be its own", *at_it],
        hint="wait until that run has ended" if at_it else back,
    )


def _carry_out(proposal: Proposal, deployed: RevisionSummary, ports: Ports, held: HeldLock) -> RevisionSummary:
    """Write what differs, then count it; the lock is held."""
    counted = [deployed]

    def record(moment: Moment) -> None:
        if moment is Moment.DONE:
            with recording(held, f"counting a correction of revision {deployed.revision}"):
                counted.append(ports.store.count_correction(deployed))

    rules = WaitRules(
        uid=proposal.planned.wanted.uid,
        waits=False,
        readiness=proposal.drafted.readiness,
        finished_jobs=proposal.planned.wanted.finished_jobs,
    )
    executor = Executor(proposal.planned, ports, Guard(ports, held), rules, record)
    try:
        executor.run()
    except BundlerError as error:
        raise error.with_context(*executor.progress.summary(proposal.plan.changes)) from error
    return counted[-1]


_EMPTY = "it held data, and would be made again empty"
_LOST = "putting it back may lose data"
_RISKY = "live objects may not fit the recorded definition"


def sorted_out(drifted: Sequence[DriftedObject], planned: Planned, accepted: Accepted) -> Sorted:
    """Sort what differs by what is done about it.

    Args:
        drifted: the objects that differ.
        planned: what would put all of them back.
        accepted: what the user says is meant.
    """
    gone = _gone_namespaces(drifted, planned)
    drifted = [*drifted, *(() if accepted.losses else gone)]
    changes = {change.ref: change for change in planned.plan.changes}
    lost = set() if accepted.losses else {change.ref for change in losses(planned.plan)}
    fixable, missing, refused = [], [], []
    for one in drifted:
        change = changes.get(one.ref)
        if change is None or (not accepted.losses and _is_missing_data(one, change)):
            missing.append(replace(one, reason=_EMPTY))
        elif why := _why_refused(change, planned, accepted) or (_LOST if one.ref in lost else ""):
            refused.append(replace(one, reason=why))
        else:
            fixable.append(one)
    return Sorted(
        fixable=tuple(fixable),
        missing_data=tuple(missing),
        refused=tuple(refused),
        new_namespaces=tuple(one.ref.name for one in gone) if accepted.losses else (),
    )


def _gone_namespaces(drifted: Sequence[DriftedObject], planned: Planned) -> list[DriftedObject]:
    """Return the namespaces that objects miss and that are not objects of the release themselves."""
    missing = planned.observation.missing_namespaces
    names = {one.ref.namespace for one in drifted if one.kind is DriftKind.MISSING} & missing
    own = {one.ref for one in drifted}
    refs = (ObjectRef("", "Namespace", "", name) for name in sorted(names))
    return [DriftedObject(ref=ref, kind=DriftKind.MISSING) for ref in refs if ref not in own]


def _part(wanted: Wanted, refs: set[ObjectRef]) -> Wanted:
    return replace(
        wanted,
        manifests=tuple(one for one in wanted.manifests if one.ref in refs),
        generated=tuple(one for one in wanted.generated if one.ref in refs),
        owned={ref: entry for ref, entry in wanted.owned.items() if ref in refs},
    )


def _is_missing_data(one: DriftedObject, change: Change) -> bool:
    is_kept = bool(change.generated) or (one.ref.group, one.ref.kind) in NEVER_DELETED
    return one.kind is DriftKind.MISSING and is_kept


def _why_refused(change: Change, planned: Planned, accepted: Accepted) -> str:
    ref, seen = change.ref, planned.observation
    if change.action is Action.CREATE and ref.namespace in seen.missing_namespaces and not accepted.losses:
        return f"namespace {ref.namespace} does not exist"
    if change.definition_risk is not None and not accepted.crd_risk:
        return _RISKY
    candidate = planned.candidates.get(ref)
    candidates = (candidate,) if candidate is not None else ()
    problems = object_problems(_part(planned.wanted, {ref}), seen, candidates, planned.outcomes)
    return "; ".join(line for problem in problems for line in problem.lines)
