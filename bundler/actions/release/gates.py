"""Everything that may stop a change; every change passes all of it. Layer: actions, pure.

A gate looks at a proposal and returns what is wrong with it. :data:`GATES` is the one list: an install, an upgrade, a
rollback, an automatic rollback and an uninstall pass it after planning, and again under the lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from bundler.actions.acquire.version_policy import older_version
from bundler.actions.release.immutable_values import changed_back, changed_immutables
from bundler.actions.release.saved_plan import stale_problems
from bundler.actions.release.steps import case_of, policy_of
from bundler.actions.release.upgrade_path import barrier_problems, downgrade_line, path_problems
from bundler.errors import ConfirmationRequiredError
from bundler.model.change import Action, Change
from bundler.model.lean import replace
from bundler.model.size import first_of
from bundler.planning.definitions.notes import definition_problems
from bundler.planning.kept_by_order import moved_order, orders_left, rollout_problems, unordered_change
from bundler.planning.late_references import hook_problems
from bundler.planning.live_reach import homes_of, new_reach, reach_beyond_live, reach_not_there_before
from bundler.planning.problem import Problem
from bundler.planning.protection import protection_problems
from bundler.planning.quota import grown_workloads, quota_problems, with_changes
from bundler.planning.reach import undeclared_reach
from bundler.planning.refusals import object_problems
from bundler.planning.safety import losses, lost_with
from bundler.planning.site_policy import forbidden_reach, missing_signature, other_cluster
from bundler.planning.stepping_refusals import step_problems
from bundler.planning.steps_asked import hurry_problems
from bundler.planning.steps_refused.room import pods_on_top
from bundler.planning.windows import closed_windows

if TYPE_CHECKING:
    from bundler.actions.release.proposal import Proposal

_RECORD_SECRETS = 3
"""A head, a pack and the sensitive leaves: what a small revision's record adds to a quota."""
_SHOWN_NAMES = 10


Gate: TypeAlias = "Callable[[Proposal], Iterable[Problem]]"


def find_problems(proposal: Proposal) -> list[Problem]:
    """Return everything that stops a change, of all gates at once."""
    return [problem for gate in GATES for problem in gate(proposal)]


def _cluster(proposal: Proposal) -> Iterable[Problem]:
    site, identity = proposal.terms.site, proposal.identity
    return other_cluster(identity, site) if site is not None and identity is not None else ()


def _order(proposal: Proposal) -> Iterable[Problem]:
    """What a failed change is followed by belongs to it; what suspends the order has done so before the second look."""
    terms, order = proposal.terms, proposal.order
    if terms.follows_failure or (terms.accepted.suspends_order and not proposal.is_second_look):
        return ()
    if terms.accepted.order is not None:
        return moved_order(order, terms.accepted.order, proposal.history.release)
    back = proposal.draft.revision.rolled_back_to if proposal.draft else 0
    return unordered_change(order, goes_back_to=back, is_removal=proposal.planned.plan.is_removal)


def _held_orders(proposal: Proposal) -> Iterable[Problem]:
    """What only the controller lets go is asked of the uninstall of that controller."""
    if proposal.terms.accepted.orphans_orders or proposal.terms.follows_failure:
        return ()
    return orders_left(proposal.held_orders, proposal.history.release)


def _windows(proposal: Proposal) -> Iterable[Problem]:
    """What a failed change is followed by belongs to it, and is not held up."""
    terms = proposal.terms
    if terms.accepted.outside_window.strip() or terms.follows_failure:
        return ()
    return closed_windows(terms.site, proposal.moment)


def _site_reach(proposal: Proposal) -> Iterable[Problem]:
    site = proposal.terms.site
    return forbidden_reach(proposal.planned.plan.reach, site) if site is not None else ()


def _signatures(proposal: Proposal) -> Iterable[Problem]:
    """A recorded revision carries no signature: only bundles are checked against this one."""
    site, draft = proposal.terms.site, proposal.draft
    if site is None or draft is None or draft.is_recorded:
        return ()
    return missing_signature(draft.revision.summary.bundle.name, proposal.terms.evidence, site.trust)


def _versions(proposal: Proposal) -> Iterable[Problem]:
    site, draft = proposal.terms.site, proposal.draft
    if site is None or draft is None or proposal.terms.is_correction:
        return ()
    bundle = draft.revision.summary.bundle
    return older_version(bundle.name, bundle.version, site.trust)


def _reach(proposal: Proposal) -> Iterable[Problem]:
    """A bundle declares its reach; a record declares nothing, and is compared with what is live."""
    draft, plan, terms = proposal.draft, proposal.planned.plan, proposal.terms
    if draft is None:
        return _reach_of_removal(proposal)
    if not draft.is_recorded:
        return undeclared_reach(plan.reach)
    doing = f"rolling release {draft.release} back to revision {draft.revision.rolled_back_to}"
    if terms.live_before is not None:
        notes = reach_not_there_before(plan.changes, terms.live_before, namespace=draft.namespace)
        return new_reach(notes, doing, "read the plan of `bundler rollback`, which asks for --allow-reach")
    if terms.accepted.wider_reach:
        return ()
    notes = reach_beyond_live(plan.changes, namespace=draft.namespace, homes=_homes(proposal))
    return new_reach(notes, doing, "pass --allow-reach to confirm")


def _reach_of_removal(proposal: Proposal) -> Iterable[Problem]:
    """The hooks of an uninstall come from a record, and grant no more than what is live."""
    history = proposal.history
    hooks = [change for change in proposal.planned.plan.changes if change.hook is not None]
    notes = reach_beyond_live(hooks, namespace=history.namespace, homes=_homes(proposal))
    return new_reach(notes, f"uninstalling release {history.release}", "pass --no-hooks to uninstall without its hooks")


def _homes(proposal: Proposal) -> frozenset[str]:
    planned = proposal.planned
    return homes_of(planned.observation.live, planned.wanted.uid)


def _path(proposal: Proposal) -> Iterable[Problem]:
    draft = proposal.draft
    if draft is None:
        return ()
    bundle, accepted = draft.revision.summary.bundle, proposal.terms.accepted
    if draft.is_recorded:
        return barrier_problems(proposal.history, bundle, draft.revision.rolled_back_to, accepted)
    recorded = draft.recorded.summary.bundle if draft.recorded else None
    return path_problems(draft.release, bundle, recorded, upgrades_from=draft.upgrades_from, accepted=accepted)


def _protection(proposal: Proposal) -> Iterable[Problem]:
    history, draft = proposal.history, proposal.draft
    plan, before = proposal.planned.plan, proposal.terms.live_before
    if before is not None:  # what a failed change has made may go with it
        plan = replace(plan, changes=tuple(change for change in plan.changes if change.ref in before))
    downgrade = downgrade_line(history.deployed, draft.revision.summary) if history.deployed and draft else ""
    return protection_problems(history.release, history.namespace, history.protection, plan, downgrade=downgrade)


def _rollout(proposal: Proposal) -> Iterable[Problem]:
    """An uninstall ends a rollout."""
    is_its_own = proposal.terms.continues_rollout or proposal.planned.plan.is_removal
    return rollout_problems(None if is_its_own else proposal.history.open_rollout)


def _fixed_values(proposal: Proposal) -> Iterable[Problem]:
    draft = proposal.draft
    if draft is not None and draft.is_recorded and proposal.left is not None:
        return changed_back(draft.revision, proposal.left)
    if draft is None or draft.composition is None or draft.recorded is None:
        return ()
    if not (proposal.history.was_installed or proposal.history.damaged):
        return ()
    is_same = draft.recorded.summary.bundle.name == draft.revision.summary.bundle.name
    recorded = draft.recorded.computed_values if is_same else None
    return changed_immutables(draft.composition, recorded, draft.release)


def _objects(proposal: Proposal) -> Iterable[Problem]:
    planned = proposal.planned
    return object_problems(planned.wanted, planned.observation, tuple(planned.candidates.values()), planned.outcomes)


def _definitions(proposal: Proposal) -> Iterable[Problem]:
    return definition_problems(proposal.planned.plan.changes, is_accepted=proposal.terms.accepted.crd_risk)


def _quota(proposal: Proposal) -> Iterable[Problem]:
    plan, observation = proposal.planned.plan, proposal.planned.observation
    created = [change.desired for change in plan.changes if change.action is Action.CREATE and change.desired]
    records = 0 if plan.is_idle or plan.is_removal or proposal.terms.is_correction else _RECORD_SECRETS
    case = case_of(proposal)
    on_top = () if case is None else pods_on_top(case)
    quotas = with_changes(observation.quotas, plan.changes)
    terms, wanted = proposal.terms, proposal.planned.wanted
    puts_back = terms.follows_failure or terms.is_correction or wanted.is_rollback  # the way back is not refused
    grown = () if case is not None or puts_back else grown_workloads(plan.changes)
    return quota_problems(created, quotas, extra_secrets=records, on_top=on_top, grown=grown)


def _steps(proposal: Proposal) -> Iterable[Problem]:
    """What continues a rollout, or ends it, was judged when that began."""
    if proposal.terms.continues_rollout:
        return
    case = case_of(proposal)
    if case is not None:
        yield from step_problems(case)
    if not proposal.terms.accepted.fewer_steps:
        yield from hurries(proposal)


def hurries(proposal: Proposal) -> Iterator[Problem]:
    """Yield that an upgrade goes faster than its bundle requires, whether that is accepted or not."""
    if proposal.terms.continues_rollout:
        return
    case, policy = case_of(proposal), policy_of(proposal.draft)
    if policy is not None:
        yield from hurry_problems(case.request if case else None, policy, proposal.planned.plan.changes)


def _hooks(proposal: Proposal) -> Iterable[Problem]:
    return hook_problems(proposal.planned.plan)


def _removal(proposal: Proposal) -> Iterable[Problem]:
    plan = proposal.planned.plan
    if not plan.is_removal or plan.is_empty or proposal.terms.accepted.removal:
        return
    yield Problem(
        error=ConfirmationRequiredError,
        doing="asking whether to continue",
        lines=("there is no terminal to ask on, and these would be deleted:", *_named(plan.changes)),
        hint="read the plan above and pass --yes to confirm",
    )


def _losses(proposal: Proposal) -> Iterable[Problem]:
    lost = losses(proposal.planned.plan)
    if not lost or proposal.terms.accepted.losses:
        return
    yield Problem(
        error=ConfirmationRequiredError,
        doing="checking what would be lost",
        lines=("data or an address may be lost with these, and cannot be recovered:", *_named(lost)),
        hint="read the plan above and pass --accept-data-loss to confirm",
    )


def _named(changes: Sequence[Change]) -> list[str]:
    lines = [": ".join((f"{change.action} {change.ref.short}", *lost_with(change))) for change in changes]
    return first_of(lines, _SHOWN_NAMES)


GATES: Final[tuple[Gate, ...]] = (
    _order,
    _held_orders,
    _rollout,
    stale_problems,
    _cluster,
    _windows,
    _site_reach,
    _signatures,
    _versions,
    _reach,
    _path,
    _protection,
    _fixed_values,
    _definitions,
    _objects,
    _steps,
    _quota,
    _hooks,
    _removal,
    _losses,
)
