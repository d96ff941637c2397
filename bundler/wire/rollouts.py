"""Open rollouts as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from bundler.model.rollout import Rollout


class RolloutForm(TypedDict):
    """How far an upgrade in steps has come, and what was asked for."""

    step: int
    """From 1; `steps` is the last one, the finish."""
    steps: int
    state: Literal["moving", "soaking", "paused", "aborting"]
    since: str
    """Since when it is at this step and in this state."""
    by: str
    reason: str
    """Why it is paused or aborted; empty where no one said."""
    shares: dict[str, list[str]]
    """Component -> the share of its new pods in each step before the finish; "": the bundle's own workloads."""
    pauseAfter: str
    """`canary`, `each`, `none`, or the number of a step."""
    soakSeconds: int
    stepTimeoutSeconds: int
    onFailure: Literal["abort", "pause"]
    gates: list[str]
    """Names of the gates that are asked after each step."""
    passedGates: list[str]
    """Those that this step has passed."""


def rollout_form(rollout: Rollout) -> RolloutForm:
    """Return how far an open rollout has come."""
    return {
        "step": rollout.step,
        "steps": rollout.steps,
        "state": rollout.state.value,
        "since": rollout.since.isoformat() if rollout.since else "",
        "by": rollout.by,
        "reason": rollout.reason,
        "shares": {component: [*map(str, shares)] for component, shares in sorted(rollout.shares.items())},
        "pauseAfter": rollout.pause_after,
        "soakSeconds": rollout.soak_s,
        "stepTimeoutSeconds": rollout.step_timeout_s,
        "onFailure": rollout.on_failure.value,
        "gates": list(rollout.gates),
        "passedGates": list(rollout.passed),
    }
