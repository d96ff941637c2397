"""Open rollouts as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from bundler.model.release_state import RolloutProgress
    from bundler.model.rollout import PodCount, Rollout, SeenWorkload


class RolloutForm(TypedDict):
    """How far an upgrade in steps has come, and what was asked for."""

    step: int
    """From 1; `steps` is the last one, the finish."""
    steps: int
    done: bool
    """The pods of this step are there, and its gates passed: the next step comes when it is continued."""
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


class PodCountForm(TypedDict):
    """The old or the new pods of a workload; those that are being deleted do not count."""

    wanted: int
    """How many its controller wants now."""
    there: int
    ready: int
    restarts: int
    failed: list[str]
    """Pods that will not become ready by themselves, and why."""


class SteppedForm(TypedDict):
    """A workload whose pods are replaced step by step."""

    object: str
    component: str
    replicas: int
    template: Literal["old", "new", "other"]
    """Whose pod template it has: that of the deployed revision, of the one that is rolled out, or of someone else."""
    contested: bool
    """Someone else has written a field by which its pods are held back."""
    share: str
    """Of new pods, in the step that it is at."""
    target: int
    """How many pods that is now."""
    old: PodCountForm
    new: PodCountForm


class ProgressForm(TypedDict):
    """How far an open rollout has come."""

    release: str
    namespace: str
    revision: int
    """The one that is rolled out."""
    deployedRevision: int | None
    """The one that it replaces."""
    rollout: RolloutForm
    workloads: list[SteppedForm]


def progress_form(progress: RolloutProgress) -> ProgressForm:
    """Return how far an open rollout has come, and what pods there are."""
    summary, deployed = progress.summary, progress.deployed
    return {
        "release": summary.release,
        "namespace": summary.namespace,
        "revision": summary.revision,
        "deployedRevision": deployed.revision if deployed else None,
        "rollout": rollout_form(progress.rollout),
        "workloads": [_stepped_form(one, progress.rollout) for one in progress.workloads],
    }


def _stepped_form(one: SeenWorkload, rollout: Rollout) -> SteppedForm:
    share = rollout.share(one.component, rollout.step)
    return {
        "object": str(one.ref),
        "component": one.component,
        "replicas": one.replicas,
        "template": one.template.value,
        "contested": one.is_contested,
        "share": str(share),
        "target": share.pods(one.replicas),
        "old": _pods_form(one.old),
        "new": _pods_form(one.new),
    }


def _pods_form(pods: PodCount) -> PodCountForm:
    return {
        "wanted": pods.wanted,
        "there": pods.there,
        "ready": pods.ready,
        "restarts": pods.restarts,
        "failed": list(pods.failed),
    }


def rollout_form(rollout: Rollout) -> RolloutForm:
    """Return how far an open rollout has come."""
    return {
        "step": rollout.step,
        "steps": rollout.steps,
        "done": rollout.is_done,
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
