"""What the rules of upgrades in steps are asked about, as it is in a proposal. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.planning.steps_refused.case import make_case

if TYPE_CHECKING:
    from bundler.actions.release.proposal import Proposal
    from bundler.planning.steps_refused.case import Case


def case_of(proposal: Proposal) -> Case | None:
    """Return what was asked for beside the plan that it is of; None for a change without steps.

    Args:
        proposal: of an upgrade. A run that continues recorded steps asks for none: they were judged when they began.
    """
    request, planned = proposal.terms.rollout, proposal.planned
    if request is None:
        return None
    is_installed = proposal.history.deployed is not None
    return make_case(request, planned.wanted, planned.plan, planned.observation, is_installed=is_installed)
