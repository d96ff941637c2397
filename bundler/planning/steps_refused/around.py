"""What else a plan changes that old pods would meet while they stand beside new ones. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bundler.fields.pod_references import read_by
from bundler.fields.selectors import Requirement, labels_match, selector_of
from bundler.model.bundle import is_below
from bundler.model.change import Action, Change
from bundler.model.definition import is_definition
from bundler.model.hooks import Side
from bundler.model.json import Body, mapping_at
from bundler.model.refs import ObjectRef
from bundler.model.size import first_of
from bundler.planning.backup import is_backup
from bundler.planning.jobs import is_job
from bundler.planning.steps_refused.case import ALONE, Case, Reason, body_after, found_in, template_of

_SHARED: Final = (
    "give settings a name that carries their content (`digest_name` in the template), or pass --shared-config: old pods"
    " that restart then get the new settings"
)
_COMPATIBLE: Final = (
    "run Jobs with an upgrade of their own, without steps; where old pods can work with what they do, say so with"
    " `upgrade.steps.jobs: compatible` in bundle.yaml"
)
_CONTENT: Final = ("data", "binaryData", "stringData")
_CONFIG: Final = frozenset({("", "ConfigMap"), ("", "Secret")})
_OVER_ALL: Final = frozenset(
    {
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiregistration.k8s.io", "APIService"),
    }
)
_SHOWN: Final = 5
_SCALED: Final = frozenset({"Deployment", "ReplicaSet", "StatefulSet"})


def shared_configuration(case: Case) -> Iterator[Reason]:
    """An old pod that restarts reads what there is under the name: the new settings, with the old program."""
    if case.request.accepts_shared_config:
        return
    moved = {one.ref: _moved_keys(one) for one in case.changes if (one.ref.group, one.ref.kind) in _CONFIG}
    by_ref = {one.ref: one for one in case.changes}
    for change in case.stepped:
        old, new = (set(read_by(template_of(change, body))) for body in (change.before, body_after(change)))
        for kind, name in sorted(old & new):
            ref = ObjectRef("", kind, change.ref.namespace, name)
            if keys := moved.get(ref):
                what = f"{', '.join(first_of(keys, _SHOWN))} change{'s' * (len(keys) == 1)}"
                said = f"{what}, and old and new pods of {change.ref.short} read it under this name"
                yield Reason(found_in(by_ref[ref], said), _SHARED)


def _moved_keys(change: Change) -> list[str]:
    """Return the keys of a ConfigMap or Secret whose values change; nothing where it goes, or stays."""
    if change.action in {Action.NONE, Action.DELETE}:
        return []
    old, new = (_entries(body) for body in (change.before, body_after(change)))
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))


def _entries(body: Body | None) -> Body:
    return {key: value for part in _CONTENT for key, value in mapping_at(body, part).items()}


def powers_over_others(case: Case) -> Iterator[Reason]:
    """Definitions and webhooks hold for old and new pods alike, from the moment they are written."""
    for change in case.changes:
        if is_definition(change.ref) and change.definition_risk is not None:
            risk = change.definition_risk
            for line in first_of((*risk.blocked, *risk.narrowed), _SHOWN):
                yield Reason(found_in(change, f"old pods would meet a definition that takes less: {line}"), ALONE)
        if (change.ref.group, change.ref.kind) in _OVER_ALL and change.action is not Action.NONE:
            said = f"this plan would {change.action} it, and old and new pods would meet it alike"
            yield Reason(found_in(change, said), ALONE)


def jobs_before(case: Case) -> Iterator[Reason]:
    """What a Job has done is not undone by an abort, and old pods have to work with it."""
    stepped = {change.component for change in case.stepped}
    needed = {need for component in stepped for need in case.needs.get(component, ())}
    for change in case.changes:
        if change.component in case.bundle.compatible_jobs or is_backup(change):
            continue
        runs = is_job(change.ref) and change.action in {Action.CREATE, Action.RECREATE}
        if runs and _comes_first(change, stepped, needed):
            which = f"hook {change.hook}: " if change.hook else ""
            said = f"{which}it runs before the finish, and an abort does not undo what it does"
            yield Reason(found_in(change, said), _COMPATIBLE)


def _comes_first(change: Change, stepped: set[str], needed: set[str]) -> bool:
    """Return whether a Job runs before the finish; hooks of what encloses a component run around it."""
    if change.component in needed:
        return True
    if change.hook is None:
        return change.component in stepped
    return change.hook.side is Side.BEFORE and any(is_below(one, change.component) for one in stepped)


def pods_of_two(case: Case) -> Iterator[Reason]:
    """An autoscaler counts the pods that a selector finds: it must not find those of another workload."""
    others = dict(_selecting(case))
    for change in case.stepped:
        pods = [template_of(change, body) for body in (change.before, body_after(change))]
        for ref, selector in others.items():
            is_other = ref != change.ref and ref.namespace == change.ref.namespace
            if is_other and any(labels_match(selector, pod) for pod in pods):
                said = f"the selector of {ref.short} finds its pods, too"
                yield Reason(
                    found_in(change, said, ".spec.template.metadata.labels"),
                    f"give the pods of {change.ref.short} and of {ref.short} a label that tells them apart",
                )


def _selecting(case: Case) -> Iterator[tuple[ObjectRef, tuple[Requirement, ...]]]:
    """Yield the workloads beside each other once the plan is carried out, each with its selector."""
    gone = {change.ref for change in case.changes if change.action is Action.DELETE}
    bodies = {ref: body for ref, body in case.observation.neighbours.items() if ref not in gone}
    bodies |= {change.ref: body_after(change) for change in case.changes if change.ref.kind in _SCALED}
    for ref, body in bodies.items():
        selector = selector_of(mapping_at(body, "spec", "selector"))
        if selector and ref not in gone:
            yield ref, selector
