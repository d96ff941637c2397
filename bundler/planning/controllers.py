"""Which workload of a release looks after the objects of a group. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import items_at, list_at, mapping_at, text_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef

_RBAC = "rbac.authorization.k8s.io"
_WORKLOADS = frozenset({("apps", "Deployment"), ("apps", "StatefulSet")})

_Account = tuple[str, str]
"""Namespace and name of a ServiceAccount."""


def find_controllers(group: str, objects: Mapping[ObjectRef, Body]) -> tuple[ObjectRef, ...]:
    """Return the workloads whose ServiceAccount may work on a group by name; where there is none, on every group.

    Roles tell what nothing else does: a controller cannot do its work without one, and others have no use for it.

    Args:
        group: of the object that someone has to look after.
        objects: workloads, roles and bindings, among others.
    """
    return _running_as(_accounts(group, objects), objects) or _running_as(_accounts("*", objects), objects)


def _running_as(accounts: set[_Account], objects: Mapping[ObjectRef, Body]) -> tuple[ObjectRef, ...]:
    return tuple(
        ref
        for ref, body in sorted(objects.items())
        if (ref.group, ref.kind) in _WORKLOADS and (ref.namespace, _account_of(body)) in accounts
    )


def _account_of(workload: Body) -> str:
    pod = mapping_at(workload, "spec", "template", "spec")
    return text_at(pod, "serviceAccountName") or text_at(pod, "serviceAccount") or "default"


def _accounts(group: str, objects: Mapping[ObjectRef, Body]) -> set[_Account]:
    roles = {
        (ref.kind, ref.namespace, ref.name)
        for ref, body in objects.items()
        if ref.group == _RBAC and any(group in list_at(rule, "apiGroups") for rule in items_at(body, "rules"))
    }
    bindings = [(ref, body) for ref, body in objects.items() if ref.group == _RBAC and ref.kind.endswith("Binding")]
    return {account for ref, body in bindings if _role_of(ref, body) in roles for account in _subjects(ref, body)}


def _role_of(binding: ObjectRef, body: Body) -> tuple[str, str, str]:
    kind = text_at(body, "roleRef", "kind")
    return kind, binding.namespace if kind == "Role" else "", text_at(body, "roleRef", "name")


def _subjects(binding: ObjectRef, body: Body) -> Iterable[_Account]:
    for subject in items_at(body, "subjects"):
        if text_at(subject, "kind") == "ServiceAccount":
            yield text_at(subject, "namespace") or binding.namespace, text_at(subject, "name")
