"""Which objects of a bundle a workload of the bundle writes at the API, told by its role. Layer: render, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.fields.kinds import plural_of
from bundler.fields.rights import rules_of
from bundler.model.definition import is_definition, kind_of
from bundler.model.json import list_at, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef

_READS = frozenset({"get", "list", "watch"})
_OWN_GROUPS = (".k8s.io",)
"""How the groups of Kubernetes end that have a dot in their name."""


def looked_after(workload: ObjectRef, objects: Mapping[ObjectRef, Body]) -> Iterator[ObjectRef]:
    """Yield what a workload may write in its namespace: objects by their names, and all objects of custom kinds.

    A right on a kind of Kubernetes as a whole says nothing about the ones that the bundle brings.

    Args:
        workload: one of the objects.
        objects: all that the bundle brings.
    """
    plurals = dict(_defined(objects))
    for rule in rules_of(workload, objects):
        groups, names = list_at(rule, "apiGroups"), list_at(rule, "resourceNames")
        resources = {str(resource).partition("/")[0] for resource in list_at(rule, "resources")}
        if not set(map(str, list_at(rule, "verbs"))) - _READS:
            continue
        for ref in objects:
            plural = plurals.get((ref.group, ref.kind)) or plural_of(ref.group, ref.kind) or f"{ref.kind.lower()}s"
            is_meant = ref.name in names if names else _is_custom(ref.group)
            if ref.group in groups and plural in resources and is_meant and ref.namespace == workload.namespace:
                yield ref


def _defined(objects: Mapping[ObjectRef, Body]) -> Iterator[tuple[tuple[str, str], str]]:
    for ref, body in objects.items():
        if is_definition(ref):
            yield kind_of(body), text_at(body, "spec", "names", "plural")


def _is_custom(group: str) -> bool:
    return "." in group and not group.endswith(_OWN_GROUPS)
