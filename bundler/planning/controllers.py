"""Which workload of a release looks after the objects of a group. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bundler.fields.rights import rules_of
from bundler.model.json import Body, list_at

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef

_WORKLOADS = frozenset({("apps", "Deployment"), ("apps", "StatefulSet")})


def find_controllers(group: str, objects: Mapping[ObjectRef, Body]) -> tuple[ObjectRef, ...]:
    """Return the workloads whose ServiceAccount may work on a group by name; where there is none, on every group.

    Roles tell what nothing else does: a controller cannot do its work without one, and others have no use for it.

    Args:
        group: of the object that someone has to look after.
        objects: workloads, roles and bindings, among others.
    """
    return _working_on(group, objects) or _working_on("*", objects)


def _working_on(group: str, objects: Mapping[ObjectRef, Body]) -> tuple[ObjectRef, ...]:
    return tuple(
        ref
        for ref in sorted(objects)
        if (ref.group, ref.kind) in _WORKLOADS
        if any(group in list_at(rule, "apiGroups") for rule in rules_of(ref, objects))
    )
