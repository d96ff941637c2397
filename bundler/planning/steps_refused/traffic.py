"""What leads to the pods of a workload, and what of it changes. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bundler.fields.selectors import labels_match, selector_of
from bundler.model.change import Action, Change
from bundler.model.json import Body, canonical_json, items_at, mapping_at, text_at, value_at
from bundler.planning.steps_refused.case import ALONE, Case, Reason, body_after, found_in, template_of

_SERVICE: Final = ("", "Service")
_INGRESS: Final = ("networking.k8s.io", "Ingress")
_POLICY: Final = ("networking.k8s.io", "NetworkPolicy")
_FIELDS: Final = {
    _SERVICE: ("selector", "ports"),
    _POLICY: ("podSelector", "ingress", "egress"),
}
"""Fields of a spec that say which pods are reached, and how."""


def moved_traffic(case: Case) -> Iterator[Reason]:
    """Old pods would be reached in another way, or no longer, before there are new ones in their place."""
    for change in case.changes:
        if change.action in {Action.NONE, Action.DELETE} or change.hook is not None:
            continue
        pods = sorted(one.ref.short for one in case.stepped if _leads_to(change, one, case))
        for said, field in _moved(change) if pods else ():
            yield Reason(found_in(change, f"{said} old and new pods of {', '.join(pods)}", field), ALONE)


def _moved(change: Change) -> Iterator[tuple[str, str]]:
    """Yield what changes on the way to pods, and in which field; a new NetworkPolicy closes ways that there are."""
    if change.before is not None:
        yield from (("it changes, and leads to", field) for field in _moved_fields(change))
    elif _kind(change) == _POLICY:
        yield "it is new, and would hold for", ""


def _moved_fields(change: Change) -> Iterator[str]:
    before, after = mapping_at(change.before, "spec"), mapping_at(body_after(change), "spec")
    for field in _FIELDS.get(_kind(change), ()):
        if before.get(field) != after.get(field):
            yield f".spec.{field}"
    if _kind(change) == _INGRESS and _backends(before) != _backends(after):
        yield ".spec.rules"


def _leads_to(change: Change, workload: Change, case: Case) -> bool:
    """Return whether something leads to the pods of a workload now, or will."""
    if change.ref.namespace != workload.ref.namespace:
        return False
    if _kind(change) != _INGRESS:
        return selects(change, workload)
    specs = (mapping_at(body, "spec") for body in (change.before, body_after(change)))
    names = {name for spec in specs for name, _ in _backends(spec)}
    services = (one for one in case.changes if _kind(one) == _SERVICE and one.ref.name in names)
    return any(_leads_to(service, workload, case) for service in services)


def selects(change: Change, workload: Change) -> bool:
    """Return whether the selector of a Service, NetworkPolicy or PodDisruptionBudget finds pods of a workload.

    Args:
        change: of the object with the selector; old and new one count.
        workload: whose pods, old and new.
    """
    pods = [template_of(workload, body) for body in (workload.before, body_after(workload))]
    return any(_finds(_kind(change), body, pod) for body in (change.before, body_after(change)) if body for pod in pods)


def _finds(kind: tuple[str, str], body: Body, pod: Body) -> bool:
    if kind == _SERVICE:
        labels = mapping_at(body, "spec", "selector")
        return bool(labels) and labels_match(selector_of({"matchLabels": labels}), pod)
    key = "podSelector" if kind in _FIELDS else "selector"
    return kind in _SELECTING and labels_match(selector_of(mapping_at(body, "spec", key)), pod)


_SELECTING: Final = frozenset({*_FIELDS, ("policy", "PodDisruptionBudget")})


def _backends(spec: Body) -> frozenset[tuple[str, bytes]]:
    """Return the Services that an Ingress leads to, each with its port."""
    rules = (path for rule in items_at(spec, "rules") for path in items_at(rule, "http", "paths"))
    found = [mapping_at(spec, "defaultBackend", "service")]
    found += [mapping_at(path, "backend", "service") for path in rules]
    return frozenset((text_at(one, "name"), canonical_json(value_at(one, "port"))) for one in found if one)


def _kind(change: Change) -> tuple[str, str]:
    return change.ref.group, change.ref.kind
