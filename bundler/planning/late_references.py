"""Jobs of hooks that need what is created only after them: they could never start. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.errors.change import PlanError
from bundler.fields.pod_references import needed_by
from bundler.model.change import Action, Plan
from bundler.model.json import mapping_at
from bundler.model.refs import ObjectRef
from bundler.model.steps import Delete, targets_of
from bundler.planning.jobs import is_job
from bundler.planning.order import reached
from bundler.planning.problem import Problem

if TYPE_CHECKING:
    from bundler.errors import Found

HINT = (
    "put what the hook needs into hooks/ too, at the same point, under another name than the one in templates/; "
    "or run the hook after the change"
)


def late_references(plan: Plan) -> Iterator[Found]:
    """Yield a line for each Job of a hook and each object that it needs and that exists only after it runs.

    Args:
        plan: with its changes.
    """
    hooks = [one for one in plan.changes if one.hook is not None and is_job(one.ref) and one.action is not Action.NONE]
    if not hooks:
        return
    created = {change.ref for change in plan.changes if change.action is Action.CREATE and change.before is None}
    needs = {step.id: step.needs for step in plan.steps}
    written: dict[ObjectRef, str] = {}
    deleted: dict[ObjectRef, str] = {}
    for step in plan.steps:
        found = deleted if isinstance(step, Delete) else written
        found.update((target.ref, step.id) for target in targets_of(step))
    for change in hooks:
        if change.desired is None or change.ref not in written:
            continue
        own_step = written[change.ref]
        before = reached(own_step, needs) - {own_step}
        pod = mapping_at(change.desired.body, "spec", "template", "spec")
        for kind, name in sorted(set(needed_by(pod))):
            ref = ObjectRef("", kind, change.ref.namespace, name)
            is_late = ref in created and written.get(ref) not in before
            if is_late or deleted.get(ref) in before:
                when = "created after it" if is_late else "deleted before it"
                said = f"hook {change.hook} {change.ref.short} needs {ref.short}, which is {when}"
                yield change.desired.source.found(said, subject=change.ref.short)


def hook_problems(plan: Plan) -> Iterator[Problem]:
    """Yield that hooks need what is created only after them."""
    if lines := tuple(late_references(plan)):
        yield Problem(error=PlanError, doing="checking what hooks need", lines=lines, hint=HINT)
