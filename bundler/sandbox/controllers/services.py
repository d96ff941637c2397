"""EndpointSlices of Services, and the status of budgets, autoscalers and quotas. Layer: sandbox, pure over a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.fields.selectors import labels_match, selector_of
from bundler.model.json import int_at, items_at, mapping_at, text_at, value_at
from bundler.model.refs import ObjectRef, group_of
from bundler.sandbox.controllers.world import (
    is_leaving,
    is_pod_ready,
    owner_reference,
    share_of,
    short_hash,
    with_times,
)
from bundler.sandbox.quota import usage, written
from bundler.sandbox.writes import thawed

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.sandbox.controllers.world import World
    from bundler.sandbox.store import Tree

SERVICES_WATCHED = frozenset({("", "Service"), ("", "Pod"), ("discovery.k8s.io", "EndpointSlice")})
BUDGETS_WATCHED = frozenset({("policy", "PodDisruptionBudget"), ("", "Pod")})
SCALERS_WATCHED = frozenset(
    {("autoscaling", "HorizontalPodAutoscaler"), ("apps", "Deployment"), ("apps", "StatefulSet")}
)


def run_services(world: World) -> None:
    """Keep one EndpointSlice per Service with a selector, carrying the Service's labels as the real one does."""
    for service in world.all("", "Service"):
        if not is_leaving(service) and mapping_at(service, "spec", "selector"):
            _sync_slice(world, service)


def run_budgets(world: World) -> None:
    """Count what every PodDisruptionBudget protects."""
    for budget in world.all("policy", "PodDisruptionBudget"):
        world.set_status(budget, _budget_status(world, budget))


def run_scalers(world: World) -> None:
    """Report on every HorizontalPodAutoscaler; none of them scales by itself."""
    for scaler in world.all("autoscaling", "HorizontalPodAutoscaler"):
        world.set_status(scaler, _scaler_status(world, scaler))


def run_quotas(world: World) -> None:
    """Count what every ResourceQuota limits."""
    for quota in world.all("", "ResourceQuota"):
        hard = mapping_at(quota, "spec", "hard")
        used = usage(world.tx, text_at(quota, "metadata", "namespace"), hard)
        counted = {key: written(amount, hard[key]) for key, amount in used.items()}
        world.set_status(quota, {"hard": hard, "used": counted})


def _selected(world: World, body: Body, selector: Body) -> list[Body]:
    requirements = selector_of(selector)
    pods = world.labelled_pods(text_at(body, "metadata", "namespace"), mapping_at(selector, "matchLabels"))
    return [pod for pod in pods if labels_match(requirements, pod) and not is_leaving(pod)]


def _sync_slice(world: World, service: Body) -> None:
    found = world.owned(service, "discovery.k8s.io", "EndpointSlice")
    wanted = _slice(world, service)
    if not found:
        world.create("discovery.k8s.io", "EndpointSlice", wanted)
        return
    made = thawed(found[0])
    made |= {key: wanted[key] for key in ("endpoints", "ports")}
    made["metadata"]["labels"] = wanted["metadata"]["labels"]
    if made != found[0]:
        made["metadata"]["generation"] = made["metadata"].get("generation", 0) + 1
        world.update(found[0], made)


def _slice(world: World, service: Body) -> Tree:
    name, namespace = text_at(service, "metadata", "name"), text_at(service, "metadata", "namespace")
    labels: Tree = {
        **mapping_at(service, "metadata", "labels"),
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": name,
    }
    if text_at(service, "spec", "clusterIP") == "None":
        labels["service.kubernetes.io/headless"] = ""
    pods = _selected(world, service, {"matchLabels": mapping_at(service, "spec", "selector")})
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{name}-{short_hash(text_at(service, 'metadata', 'uid'), 5)}",
            "generateName": f"{name}-",
            "namespace": namespace,
            "labels": labels,
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": [_endpoint(pod) for pod in pods if text_at(pod, "status", "podIP")],
        "ports": [_slice_port(port) for port in items_at(service, "spec", "ports")],
    }


def _endpoint(pod: Body) -> Tree:
    is_ready = is_pod_ready(pod)
    metadata = mapping_at(pod, "metadata")
    target = {key: text_at(metadata, key) for key in ("namespace", "name", "uid")}
    return {
        "addresses": [text_at(pod, "status", "podIP")],
        "conditions": {"ready": is_ready, "serving": is_ready, "terminating": False},
        "targetRef": {"kind": "Pod", **target},
        "nodeName": text_at(pod, "spec", "nodeName"),
    }


def _slice_port(port: Body) -> Tree:
    target = port.get("targetPort")
    number = target if isinstance(target, int) else port.get("port")
    return {"name": text_at(port, "name"), "protocol": text_at(port, "protocol") or "TCP", "port": number}


def _budget_status(world: World, budget: Body) -> Tree:
    pods = _selected(world, budget, mapping_at(budget, "spec", "selector"))
    healthy = sum(is_pod_ready(pod) for pod in pods)
    wanted = _wanted_healthy(budget, len(pods))
    allowed = max(healthy - wanted, 0)
    generation = int_at(budget, "metadata", "generation")
    condition = {
        "type": "DisruptionAllowed",
        "status": "True" if allowed else "False",
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
        "observedGeneration": generation,
    }
    return {
        "observedGeneration": generation,
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": wanted,
        "expectedPods": len(pods),
        "conditions": with_times(items_at(budget, "status", "conditions"), [condition], world.time),
    }


def _wanted_healthy(budget: Body, pods: int) -> int:
    least, most_down = value_at(budget, "spec", "minAvailable"), value_at(budget, "spec", "maxUnavailable")
    if least is not None:
        return share_of(least, pods, up=True)
    return max(pods - share_of(most_down, pods, up=True), 0) if most_down is not None else pods


def _scaler_status(world: World, scaler: Body) -> Tree:
    reference = mapping_at(scaler, "spec", "scaleTargetRef")
    group, namespace = group_of(text_at(reference, "apiVersion")), text_at(scaler, "metadata", "namespace")
    name = text_at(reference, "name")
    target = world.tx.get(ObjectRef(group, text_at(reference, "kind"), namespace, name))
    old = items_at(scaler, "status", "conditions")
    if target is None:
        target_kind = text_at(reference, "kind")
        words = f"the HPA controller was unable to get the target's current scale: {target_kind} {name} not found"
        said = [{"type": "AbleToScale", "status": "False", "reason": "FailedGetScale", "message": words}]
        return {"desiredReplicas": 0, "currentMetrics": None, "conditions": with_times(old, said, world.time)}
    replicas = int_at(target, "spec", "replicas", default=1)
    said = [
        _true("AbleToScale", "ReadyForNewScale", "recommended size matches current size"),
        _true("ScalingActive", "ValidMetricFound", "the HPA was able to successfully calculate a replica count"),
    ]
    counts = {"currentReplicas": replicas, "desiredReplicas": replicas}
    return {**counts, "currentMetrics": None, "conditions": with_times(old, said, world.time)}


def _true(kind: str, reason: str, message: str) -> dict[str, str]:
    return {"type": kind, "status": "True", "reason": reason, "message": message}
