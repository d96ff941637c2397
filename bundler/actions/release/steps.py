"""In which steps a proposal goes, and what the rules of steps are asked about. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import replace
from bundler.planning.step_rules import step_policy
from bundler.planning.stepping_refusals import step_warnings
from bundler.planning.steps_asked import steps_asked
from bundler.planning.steps_refused.case import BundleSteps, make_case

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.actions.change.planned import Planned
    from bundler.actions.release.proposal import Draft, Proposal
    from bundler.actions.release.terms import Terms
    from bundler.model.change import Change
    from bundler.model.rollout import RolloutRequest
    from bundler.planning.step_rules import StepPolicy
    from bundler.planning.steps_refused.case import Case


def policy_of(draft: Draft | None) -> StepPolicy | None:
    """Return what the bundle of a draft says of steps; None for what was read from a record, and an uninstall."""
    if draft is None or draft.composition is None:
        return None
    return step_policy(draft.composition.order.bundle)


def steps_of(draft: Draft | None, terms: Terms, changes: Sequence[Change]) -> RolloutRequest | None:
    """Return the steps in which an upgrade goes: those asked for, or required by its bundle; None for one without.

    A run that continues recorded steps has none to ask for.

    Args:
        draft: what the release is to become.
        terms: with what was asked for.
        changes: of the plan.
    """
    policy = policy_of(draft)
    if policy is None or terms.continues_rollout:
        return None
    return steps_asked(terms.rollout, policy, changes)


def warned(planned: Planned, request: RolloutRequest) -> Planned:
    """Return a plan that warns of what deserves a look in these steps, and stops nothing.

    Args:
        planned: an upgrade.
        request: the steps in which it goes.
    """
    said = step_warnings(make_case(request, planned.wanted, planned.plan, planned.observation))
    changes = tuple(
        replace(change, warnings=(*change.warnings, *said.get(change.ref, ()))) for change in planned.plan.changes
    )
    return replace(planned, plan=replace(planned.plan, changes=changes))


def case_of(proposal: Proposal) -> Case | None:
    """Return the steps of a proposal beside its plan; None for a change without steps.

    Args:
        proposal: of an upgrade.
    """
    draft, planned = proposal.draft, proposal.planned
    request = steps_of(draft, proposal.terms, planned.plan.changes)
    policy = policy_of(draft)
    if request is None or policy is None or draft is None or draft.composition is None:
        return None
    return make_case(
        request,
        planned.wanted,
        planned.plan,
        planned.observation,
        is_installed=proposal.history.deployed is not None,
        bundle=BundleSteps(gates=draft.composition.gates, compatible_jobs=policy.compatible_jobs),
    )
