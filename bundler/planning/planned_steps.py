"""The steps of an upgrade as a person reads them: what each moves, and what waits for the finish.

Layer: planning, pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from bundler.model.lean import dataclass
from bundler.model.refs import ObjectRef
from bundler.model.steps import Advance, Delete, Paced, Pause, Step, targets_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One step before the finish."""

    number: int
    workloads: tuple[Paced, ...]
    gates: tuple[str, ...]
    is_pause_after: bool
    """The run ends there, and waits for someone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSteps:
    """The steps that are left, and what comes after them."""

    steps: tuple[PlannedStep, ...]
    waiting: tuple[ObjectRef, ...]
    """What is written only in the finish, beside the stepped workloads."""
    deleted: tuple[ObjectRef, ...]
    """What is deleted then."""

    @property
    def finish(self) -> int:
        """The number of the last step."""
        return self.steps[-1].number + 1


def planned_steps(steps: Sequence[Step]) -> PlannedSteps | None:
    """Return the steps of an upgrade that has them before it; None for any other plan, and at the finish."""
    advances = [step for step in steps if isinstance(step, Advance)]
    if not advances:
        return None
    paused = {need for step in steps if isinstance(step, Pause) for need in step.needs}
    stepped = {one.ref for step in advances for one in step.workloads}
    finish = steps[steps.index(advances[-1]) :]
    written = [one.ref for step in finish if not isinstance(step, Delete) for one in targets_of(step)]
    return PlannedSteps(
        steps=tuple(
            PlannedStep(number=one.number, workloads=one.workloads, gates=one.gates, is_pause_after=one.id in paused)
            for one in advances
        ),
        waiting=tuple(ref for ref in written if ref not in stepped),
        deleted=tuple(one.ref for step in finish if isinstance(step, Delete) for one in step.targets),
    )
