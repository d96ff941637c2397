"""What of a plan comes before its steps, what are the steps, and what waits for the finish. Layer: planning, pure.

Before them comes everything that does not depend on how many pods are new: components that go whole and need none that
goes in steps; of those that do, the hooks before them, what their pods read, and their Jobs. Then all stepped workloads
go from share to share together. The rest waits for the finish: the workloads as they are rendered, what scales,
protects and exposes them, hooks after them, and every component that needs one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from bundler.model.hooks import Side
from bundler.model.stage import Stage
from bundler.model.steps import Advance, Pause, Step
from bundler.planning.hook_order import needs_of_parts, parts_of
from bundler.planning.jobs import is_job
from bundler.planning.stages import stage_in_plan
from bundler.planning.stepping import paced_workloads

if TYPE_CHECKING:
    from bundler.model.change import Change
    from bundler.model.rollout import Rollout


def steps_of(rollout: Rollout, changes: Sequence[Change], after: tuple[str, ...]) -> Iterator[Step]:
    """Yield the steps that are left before the finish, each after the one before it; none where nothing is to step.

    Args:
        rollout: with the step that comes next.
        changes: of the plan.
        after: what comes before the first of them.
    """
    for number in range(rollout.next_step, rollout.steps):
        workloads = paced_workloads(changes, rollout, number)
        if not workloads:
            return
        advance = Advance(id=f"step:{number}", needs=after, number=number, workloads=workloads, gates=rollout.gates)
        yield advance
        after = (advance.id,)
        if rollout.pauses_after(number):
            pause = Pause(id=f"pause:{number}", needs=after, reason=f"after step {number} of {rollout.steps}")
            yield pause
            after = (pause.id,)


def waiting_for_finish(
    changes: Sequence[Change], needs: Mapping[str, tuple[str, ...]], stepped: Collection[str]
) -> list[Change]:
    """Return the changes that wait until all pods of the stepped components may be new.

    Args:
        changes: writes and hooks of the plan.
        needs: component -> all components that must be ready first.
        stepped: the components that go in steps.
    """
    parts = parts_of(changes)
    needed = needs_of_parts(parts, needs)
    open_ones, late = list(stepped), set(stepped)
    while open_ones:
        need = open_ones.pop()
        later = {name for name, others in needed.items() if need in others} - late
        late |= later
        open_ones += later
    return list(
        chain.from_iterable(
            filter(lambda one: _waits(one, stepped), here) for name, here in parts.items() if name in late
        )
    )


def _waits(change: Change, stepped: Collection[str]) -> bool:
    """Return whether a change of what is stepped, or comes after that, waits itself."""
    if change.component not in stepped:
        return True
    if change.hook is not None:
        return change.hook.side is Side.AFTER
    return stage_in_plan(change) >= Stage.WORKLOADS and not is_job(change.ref)
