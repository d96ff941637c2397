"""What ResourceQuotas count and refuse. Layer: sandbox, pure over a store.

Source: Kubernetes, "Resource Quotas"; the messages of kube-apiserver 1.36. Scoped quotas are passed over.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from bundler.fields.kinds import plural_of
from bundler.fields.quantity import amount_of, canonical
from bundler.model.json import items_at, list_at, mapping_at, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bundler.model.json import Body, JSONValue
    from bundler.model.refs import ObjectRef
    from bundler.sandbox.store import Transaction

_COUNTED_BY_NAME = frozenset(
    {"configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets", "services"}
)
_COMPUTE = frozenset({"cpu", "memory"})


def quota_problem(tx: Transaction, ref: ObjectRef, body: Body) -> str:
    """Return why a namespace's quotas refuse a new object, in the server's words; empty where they do not.

    Args:
        tx: the open transaction.
        ref: the object.
        body: of the new object.
    """
    quotas = [quota for quota in tx.peek("", "ResourceQuota", ref.namespace) if not _is_scoped(quota)]
    if not quotas:
        return ""
    needs = dict(object_needs(ref, body))
    for quota in quotas:
        hard = mapping_at(quota, "spec", "hard")
        name = text_at(quota, "metadata", "name")
        if missing := _unspecified(ref, needs, hard):
            return f"failed quota: {name}: must specify {','.join(missing)}"
        used = usage(tx, ref.namespace, hard)
        over = [key for key in sorted(hard) if needs.get(key) and used[key] + needs[key] > amount_of(hard[key])]
        if over:
            said = [
                f"{word}: {','.join(f'{key}={written(values[key], hard[key])}' for key in over)}"
                for word, values in (
                    ("requested", needs),
                    ("used", used),
                    ("limited", {key: amount_of(hard[key]) for key in over}),
                )
            ]
            return f"exceeded quota: {name}, {', '.join(said)}"
    return ""


def usage(tx: Transaction, namespace: str, hard: Mapping[str, JSONValue]) -> dict[str, Decimal]:
    """Return how much of each resource in ``hard`` a namespace's objects take.

    Args:
        tx: the open transaction.
        namespace: that the quota is in.
        hard: limits of the quota.
    """
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    for ref in tx.refs_in(namespace):
        if _may_count(ref, hard):
            for key, amount in object_needs(ref, tx.get(ref) or {}):
                total[key] += amount
    return {key: total[key] for key in hard}


def object_needs(ref: ObjectRef, body: Body) -> Iterator[tuple[str, Decimal]]:
    """Yield what one object takes of which resource."""
    plural = plural_of(ref.group, ref.kind) or f"{ref.kind.lower()}s"
    yield (f"count/{plural}.{ref.group}" if ref.group else f"count/{plural}"), Decimal(1)
    is_ended = text_at(body, "status", "phase") in ("Succeeded", "Failed")
    if not ref.group and plural in _COUNTED_BY_NAME and not (ref.kind == "Pod" and is_ended):
        yield plural, Decimal(1)
    if ref.group == "" and ref.kind == "PersistentVolumeClaim":
        yield "requests.storage", amount_of(mapping_at(body, "spec", "resources", "requests").get("storage", "0"))
    if ref.group == "" and ref.kind == "Service":
        yield from _service_needs(text_at(body, "spec", "type"))
    if ref.group == "" and ref.kind == "Pod" and not is_ended:
        yield from _pod_needs(body).items()


def written(amount: Decimal, like: JSONValue) -> str:
    """Write an amount in the suffixes of another: ``1Gi`` beside ``4Gi``, ``1500m`` beside ``2``."""
    return canonical(f"{amount / 1024}Ki" if str(like).endswith("i") else str(amount))


def _is_scoped(quota: Body) -> bool:
    return bool(list_at(quota, "spec", "scopes") or mapping_at(quota, "spec", "scopeSelector"))


def _may_count(ref: ObjectRef, hard: Mapping[str, JSONValue]) -> bool:
    """Return whether looking at an object can change a sum: most quotas count few kinds."""
    plural = plural_of(ref.group, ref.kind) or ""
    names = {f"count/{plural}.{ref.group}", f"count/{plural}", plural}
    is_compute = ref.kind in ("Pod", "PersistentVolumeClaim", "Service") and not ref.group
    return is_compute or not names.isdisjoint(hard)


def _service_needs(service_type: str) -> Iterator[tuple[str, Decimal]]:
    if service_type in ("NodePort", "LoadBalancer"):
        yield "services.nodeports", Decimal(1)
    if service_type == "LoadBalancer":
        yield "services.loadbalancers", Decimal(1)


def _pod_needs(pod: Body) -> dict[str, Decimal]:
    total: defaultdict[str, Decimal] = defaultdict(Decimal)
    for container in items_at(pod, "spec", "containers"):
        limits = mapping_at(container, "resources", "limits")
        requests = {**limits, **mapping_at(container, "resources", "requests")}
        for name, amount in limits.items():
            total[f"limits.{name}"] += amount_of(amount)
        for name, amount in requests.items():
            total[f"requests.{name}"] += amount_of(amount)
            if name in _COMPUTE:
                total[name] += amount_of(amount)
    return dict(total)


def _unspecified(ref: ObjectRef, needs: Mapping[str, Decimal], hard: Mapping[str, JSONValue]) -> list[str]:
    """Return the compute resources that a pod has to name under a quota and does not."""
    if ref.kind != "Pod" or ref.group:
        return []
    compute = {f"{side}.{name}" for side in ("requests", "limits") for name in _COMPUTE} | _COMPUTE
    return [key for key in sorted(hard) if key in compute and key not in needs]
