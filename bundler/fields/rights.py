"""What a workload may do at the API, by the roles that its ServiceAccount is bound to, and which one may do something.

Layer: fields, pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bundler.fields.kinds import pod_spec_path
from bundler.model.json import Body, items_at, list_at, mapping_at, text_at
from bundler.model.refs import ObjectRef

_RBAC = "rbac.authorization.k8s.io"
_WORKLOADS = frozenset({("apps", "Deployment"), ("apps", "StatefulSet")})


def rules_of(workload: ObjectRef, objects: Mapping[ObjectRef, Body]) -> Iterator[Body]:
    """Yield the rules that hold for a workload's pods; none for an object that has no pods.

    Args:
        workload: one of the objects.
        objects: workloads, roles and bindings, among others.
    """
    path = pod_spec_path(workload.group, workload.kind)
    if path is None:
        return
    pod = mapping_at(objects[workload], *path)
    account = text_at(pod, "serviceAccountName") or text_at(pod, "serviceAccount") or "default"
    for ref, body in objects.items():
        is_binding = ref.group == _RBAC and ref.kind.endswith("Binding")
        if is_binding and (workload.namespace, account) in _accounts_of(ref, body):
            yield from items_at(objects.get(_role_of(ref, body), {}), "rules")


def _role_of(binding: ObjectRef, body: Body) -> ObjectRef:
    kind = text_at(body, "roleRef", "kind")
    return ObjectRef(_RBAC, kind, binding.namespace if kind == "Role" else "", text_at(body, "roleRef", "name"))


def _accounts_of(binding: ObjectRef, body: Body) -> Iterator[tuple[str, str]]:
    """Yield namespace and name of each ServiceAccount that a binding gives its role."""
    for subject in items_at(body, "subjects"):
        if text_at(subject, "kind") == "ServiceAccount":
            yield text_at(subject, "namespace") or binding.namespace, text_at(subject, "name")


def find_controllers(group: str, objects: Mapping[ObjectRef, Body]) -> tuple[ObjectRef, ...]:
    """Return the workloads whose ServiceAccount may work on a group by name; if none may, on every group.

    Only roles say so: a controller cannot work without one, and nothing else needs it.

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
