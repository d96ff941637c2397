"""What a plan as a whole needs against the quotas of its namespaces. Layer: planning, pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from bundler.errors.change import QuotaExceededError
from bundler.fields.kinds import plural_of, pod_spec_path
from bundler.fields.quantity import amount_of, canonical
from bundler.model.change import Action
from bundler.model.json import Body, int_at, items_at, list_at, mapping_at, text_at
from bundler.model.lean import replace
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef
from bundler.planning.problem import Problem

if TYPE_CHECKING:
    from bundler.model.change import Change

_COUNTED_BY_NAME = {
    "configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets", "services",
}  # fmt: skip
_WORKLOADS = {"Deployment", "StatefulSet", "ReplicaSet"}


def quota_problems(
    created: Iterable[Manifest],
    quotas: Iterable[tuple[ObjectRef, Body]],
    *,
    extra_secrets: int = 0,
    on_top: Iterable[Manifest] = (),
    grown: Iterable[Manifest] = (),
) -> Iterator[Problem]:
    """Check the sum of what will be created against what each ResourceQuota leaves.

    Object counts, and requests and limits of the pods of created workloads. A dry-run checks each object alone, so
    only the sum can tell that the last of them will not fit. Scoped quotas are passed over.

    Args:
        created: objects that do not exist yet.
        quotas: live ResourceQuotas, ``status`` included; one that no controller has seen yet counts as unused.
        extra_secrets: Secrets of the release's record.
        grown: workloads with the number of replicas that they get beside those they have; see `grown_workloads`.
        on_top: live workloads with as many replicas as pods come on top of those that they have.

    Returns:
        One problem with every resource of every quota that would be exceeded.
    """
    needs = [(one.ref.namespace, need) for one in created for need in _object_needs(one)]
    needs += [(one.ref.namespace, need) for one in grown for need in _pod_needs(one)]
    more = [(one.ref.namespace, need) for one in on_top for need in _pod_needs(one)]
    lines = [line for ref, quota in quotas for line in _lines(ref, quota, _sum([*needs, *more], ref, extra_secrets))]
    if lines:
        yield Problem(
            error=QuotaExceededError,
            doing="adding up what the plan needs",
            lines=tuple(sorted(lines)),
            hint=f"ask for a larger quota, or request less{', or take smaller steps' if more else ''}",
        )


def grown_workloads(changes: Iterable[Change]) -> Iterator[Manifest]:
    """Yield workloads whose number of replicas a plan changes, with the difference in its place: below 0 makes room.

    Args:
        changes: of the plan.
    """
    for change in changes:
        before, after, desired = change.before, change.after, change.desired
        if before is None or after is None or desired is None:
            continue
        if change.action is not Action.UPDATE or change.ref.kind not in _WORKLOADS:
            continue
        # a rollout that is stuck has pods on top of its replicas, which make room for those that come
        have = max(int_at(before, "spec", "replicas", default=1), int_at(before, "status", "replicas"))
        more = int_at(after, "spec", "replicas", default=1) - have
        if more:
            yield replace(desired, body={**after, "spec": {**mapping_at(after, "spec"), "replicas": more}})


def with_changes(
    quotas: Iterable[tuple[ObjectRef, Body]], changes: Iterable[Change]
) -> Iterator[tuple[ObjectRef, Body]]:
    """Yield live quotas as a plan changes them, which it does before it writes what counts against them.

    Args:
        quotas: live ones.
        changes: of the plan.
    """
    after = {change.ref: change.after for change in changes if change.ref.kind == "ResourceQuota" and change.after}
    for ref, body in quotas:
        if new := after.get(ref):
            yield ref, {**body, "spec": mapping_at(new, "spec"), "status": {"used": mapping_at(body, "status", "used")}}
        else:
            yield ref, body


def _lines(ref: ObjectRef, quota: Body, needs: Mapping[str, Decimal]) -> Iterable[str]:
    if mapping_at(quota, "spec", "scopeSelector") or list_at(quota, "spec", "scopes"):
        return
    used = mapping_at(quota, "status", "used")
    for resource, hard in (mapping_at(quota, "status", "hard") or mapping_at(quota, "spec", "hard")).items():
        need = needs.get(resource)
        if need is None:
            continue
        limit, taken = amount_of(hard), amount_of(used.get(resource, "0"))
        if taken + need > limit:
            yield (
                f"ResourceQuota/{ref.name} in {ref.namespace}: the plan needs {canonical(str(need))} {resource}, "
                f"{canonical(str(taken))} of {canonical(str(limit))} are used"
            )


def _sum(
    needs: Iterable[tuple[str, tuple[str, Decimal]]], quota: ObjectRef, extra_secrets: int
) -> Mapping[str, Decimal]:
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    total["secrets"] = total["count/secrets"] = Decimal(extra_secrets)
    for namespace, (resource, amount) in needs:
        if namespace == quota.namespace:
            total[resource] += amount
    return {resource: amount for resource, amount in total.items() if amount > 0}


def _object_needs(manifest: Manifest) -> Iterable[tuple[str, Decimal]]:
    ref, one = manifest.ref, Decimal(1)
    plural = plural_of(ref.group, ref.kind) or f"{ref.kind.lower()}s"
    yield (f"count/{plural}.{ref.group}" if ref.group else f"count/{plural}"), one
    if not ref.group and plural in _COUNTED_BY_NAME:
        yield plural, one
    if ref.kind == "PersistentVolumeClaim":
        yield "requests.storage", amount_of(text_at(manifest.body, "spec", "resources", "requests", "storage") or "0")
    if ref.kind in _WORKLOADS:
        yield from _pod_needs(manifest)


def _pod_needs(manifest: Manifest) -> Iterable[tuple[str, Decimal]]:
    replicas = int_at(manifest.body, "spec", "replicas", default=1)
    pod = mapping_at(manifest.body, *(pod_spec_path(manifest.ref.group, manifest.ref.kind) or ()))
    yield "pods", Decimal(replicas)
    for container in items_at(pod, "containers"):
        for side in ("requests", "limits"):
            for name, amount in mapping_at(container, "resources", side).items():
                need = amount_of(amount) * replicas
                yield f"{side}.{name}", need
                if side == "requests":
                    yield name, need
