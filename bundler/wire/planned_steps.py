"""The steps of an upgrade as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from bundler.planning.planned_steps import PlannedSteps


class PacedForm(TypedDict):
    """One workload whose new pods get a share of the work; numbers as of planning."""

    object: str
    share: str
    """`1` or `25%`."""
    pods: int
    """How many new pods that is now."""
    of: int
    """How many pods the workload has now."""


class PlannedStepForm(TypedDict):
    """One step before the finish."""

    number: int
    workloads: list[PacedForm]
    gates: list[str]
    """Names of the gates that are asked after it."""
    pause: bool
    """The run ends after it, and waits for someone."""


class PlannedStepsForm(TypedDict):
    """The steps of an upgrade, and what comes after them."""

    steps: list[PlannedStepForm]
    finish: int
    """The number of the last step: all pods are new."""
    waiting: list[str]
    """What is written only in the finish, beside the stepped workloads."""
    deleted: list[str]
    """What is deleted then."""


def planned_steps_form(steps: PlannedSteps) -> PlannedStepsForm:
    """Return the steps that are left."""
    return {
        "steps": [
            {
                "number": one.number,
                "workloads": [
                    {"object": str(paced.ref), "share": paced.share, "pods": paced.pods, "of": paced.of}
                    for paced in one.workloads
                ],
                "gates": list(one.gates),
                "pause": one.is_pause_after,
            }
            for one in steps.steps
        ],
        "finish": steps.finish,
        "waiting": list(map(str, steps.waiting)),
        "deleted": list(map(str, steps.deleted)),
    }
