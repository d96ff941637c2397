"""When an upgrade in steps is refused, all reasons at once, and what is only warned of. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from bundler.errors.change import StepsRefusedError
from bundler.model.json import value_at
from bundler.planning.problem import Problem
from bundler.planning.steps_refused.around import jobs_before, pods_of_two, powers_over_others, shared_configuration
from bundler.planning.steps_refused.asked import (
    not_installed,
    nothing_to_step,
    unclear_gates,
    unfit_shares,
    unknown_gates,
    unknown_names,
    unreachable_pause,
)
from bundler.planning.steps_refused.case import body_after, replicas_of
from bundler.planning.steps_refused.order import kept_waiting
from bundler.planning.steps_refused.traffic import moved_traffic, selects
from bundler.planning.steps_refused.workloads import (
    autoscaled_sets,
    lost_claims,
    made_again,
    other_templates,
    too_few_pods,
    unpaced_strategy,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bundler.model.change import Change
    from bundler.model.refs import ObjectRef
    from bundler.planning.steps_refused.case import Case, Reason

Rule: TypeAlias = "Callable[[Case], Iterable[Reason]]"

_NOTHING: Final = frozenset({0, "0%"})

_RULES: Final[tuple[Rule, ...]] = (
    not_installed,
    unknown_names,
    unknown_gates,
    unclear_gates,
    unreachable_pause,
    nothing_to_step,
    unpaced_strategy,
    too_few_pods,
    autoscaled_sets,
    other_templates,
    made_again,
    lost_claims,
    shared_configuration,
    moved_traffic,
    powers_over_others,
    jobs_before,
    kept_waiting,
    pods_of_two,
    unfit_shares,
)


def step_problems(case: Case) -> list[Problem]:
    """Return why an upgrade is not made in the steps that were asked for; nothing where they can begin.

    What the pods that come on top of the old ones need of a quota is asked with everything else that a plan creates:
    see :func:`bundler.planning.quota.quota_problems`.

    Args:
        case: what was asked for, and the plan.
    """
    lines: dict[str, list[str]] = {}
    for rule in _RULES if case.shares or not case.request.is_by_bundle else ():
        for reason in rule(case):
            lines.setdefault(reason.hint, []).append(reason.line)
    doing = f"planning the steps of release {case.release}"
    return [
        Problem(error=StepsRefusedError, doing=doing, lines=tuple(dict.fromkeys(found)), hint=hint)
        for hint, found in lines.items()
    ]


def step_warnings(case: Case) -> dict[ObjectRef, tuple[str, ...]]:
    """Return what is said of workloads that go in steps, though nothing is wrong with it.

    Args:
        case: what was asked for, and the plan.
    """
    said = {change.ref: tuple(_warnings(case, change)) for change in case.stepped}
    return {ref: lines for ref, lines in said.items() if lines}


def _warnings(case: Case, change: Change) -> Iterator[str]:
    if replicas_of(change) == 1:
        yield "it has 1 pod: with the first step a new one comes beside it, and there are 2 until the finish"
    for budget in case.changes:
        if (budget.ref.group, budget.ref.kind) == ("policy", "PodDisruptionBudget"):
            bound = value_at(body_after(budget), "spec", "maxUnavailable")
            is_near = budget.ref.namespace == change.ref.namespace
            if is_near and bound is not None and bound in _NOTHING and selects(budget, change):
                yield f"{budget.ref.short} lets no pod be evicted; steps do not ask it, as no rolling update does"
