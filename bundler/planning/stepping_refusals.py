"""When an upgrade in steps is refused, all reasons at once, and what is only warned of. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from bundler.errors.change import StepsRefusedError
from bundler.model.json import value_at
from bundler.model.refs import ObjectRef
from bundler.planning.problem import Problem
from bundler.planning.steps_refused import around, asked, traffic, workloads
from bundler.planning.steps_refused.case import Case, Reason, body_after, replicas_of

if TYPE_CHECKING:
    from bundler.model.change import Change

Rule: TypeAlias = "Callable[[Case], Iterable[Reason]]"

_NOTHING: Final = frozenset({0, "0%"})

_RULES: Final[tuple[Rule, ...]] = (
    asked.not_installed,
    asked.unknown_names,
    asked.unknown_gates,
    asked.unclear_gates,
    asked.unreachable_pause,
    asked.nothing_to_step,
    workloads.unpaced_strategy,
    workloads.too_few_pods,
    workloads.autoscaled_sets,
    workloads.other_templates,
    workloads.made_again,
    workloads.lost_claims,
    around.shared_configuration,
    traffic.moved_traffic,
    around.powers_over_others,
    around.jobs_before,
    asked.kept_waiting,
    around.pods_of_two,
    asked.unfit_shares,
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
            if is_near and bound is not None and bound in _NOTHING and traffic.selects(budget, change):
                yield f"{budget.ref.short} lets no pod be evicted; steps do not ask it, as no rolling update does"
