"""In which steps a proposal goes, and what the rules of steps are asked about. Layer: actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bundler.actions.change.live_state import observe_neighbours
from bundler.actions.change.make_plan import Planned, in_steps, without_stuck
from bundler.actions.rollout.observe import find_stuck_pods
from bundler.actions.rollout.templates import unlike
from bundler.model.json import canonical_json, mapping_at
from bundler.model.lean import replace
from bundler.model.redaction import MASK
from bundler.model.release import ReleaseStatus
from bundler.planning.step_rules import StepPolicy, gates_of, step_policy
from bundler.planning.stepping import resolve_rollout, stepped_changes
from bundler.planning.stepping_refusals import step_warnings
from bundler.planning.steps_asked import steps_asked
from bundler.planning.steps_refused.case import BundleSteps, Case, make_case

if TYPE_CHECKING:
    from bundler.actions.release.proposal import Draft, Proposal
    from bundler.actions.release.terms import Terms
    from bundler.model.change import Change
    from bundler.model.rollout import Rollout, RolloutRequest
    from bundler.planning.observation import Observation
    from bundler.ports import Ports


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


def as_asked(draft: Draft, planned: Planned, terms: Terms, ports: Ports) -> tuple[Draft, Planned]:
    """Return a plan in the steps that were asked for, and its draft, now that it is known what changes.

    Where a rollout is aborted, the plan deletes the pods that would be in its way.

    Args:
        draft: what the release is to become.
        planned: the plan without steps.
        terms: with what was asked for.
        ports: the cluster and the records.
    """
    if draft.aborts is not None:
        return draft, without_stuck(planned, find_stuck_pods(planned.wanted, draft.aborts, ports))
    changes = planned.plan.changes
    request = steps_of(draft, terms, changes)
    if request is None or draft.composition is None:
        return draft, planned
    gates = draft.composition.gates
    rollout = resolve_rollout(request, changes, tuple(gate.name for gate in gates))
    if not rollout.shares:
        return draft, planned
    asked = tuple(gate.name for gate in gates_of(gates, rollout))
    rollout = replace(rollout, gates=asked, by=draft.revision.authorship.who)
    summary = replace(draft.revision.summary, rollout=rollout)
    draft = replace(draft, revision=replace(draft.revision, summary=summary))
    planned = replace(planned, observation=_looked_around(draft, planned, rollout, ports))
    return draft, in_steps(warned(planned, request), rollout)


def _looked_around(draft: Draft, planned: Planned, rollout: Rollout, ports: Ports) -> Observation:
    """Look at what steps depend on besides: the Deployments of others, and whose pod templates are live."""
    stepped = stepped_changes(rollout.shares, planned.plan.changes)
    strangers = {one.ref: lines for one in stepped if (lines := _how_it_differs(one, draft, ports))}
    around = observe_neighbours({one.ref.namespace for one in stepped}, ports.cluster)
    return replace(planned.observation, neighbours=around, strangers=strangers)


def _how_it_differs(change: Change, draft: Draft, ports: Ports) -> tuple[str, ...]:
    """Return how a live pod template differs from that of the deployed revision, as far as that can be read whole."""
    deployed = draft.recorded
    if deployed is None or deployed.summary.status is not ReleaseStatus.DEPLOYED or change.before is None:
        return ()
    old = next((one for one in deployed.manifests if one.ref == change.ref), None)
    if old is None or MASK.encode() in canonical_json(mapping_at(old.body, "spec", "template")):
        return ()
    return unlike(change.before, old, ports)


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
