"""Readiness of everything but workloads. Layer: rules, pure.

Source: sigs.k8s.io/cli-utils, pkg/kstatus/status/core.go; where we differ, docs/readiness.md says why.
"""

from __future__ import annotations

from bundler.health.generic import condition, current, explain, failed, has_condition, in_progress
from bundler.model.health import Health, Status
from bundler.model.json import Body, int_at, list_at, mapping_at, text_at, value_at

LOAD_BALANCER_GRACE_S = 60.0
PROVISIONER_ANNOTATIONS = ("volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner")
SELECTED_NODE_ANNOTATION = "volume.kubernetes.io/selected-node"


def claim_health(body: Body) -> Health:
    """Judge a volume claim: bound, or waiting for the first pod that uses it."""
    match text_at(body, "status", "phase"):
        case "Bound":
            return current("bound")
        case "Lost":
            return failed("its volume is gone")
        case _ if is_waiting_for_consumer(body):
            return current("waits for the first pod that uses it")
        case phase:
            return in_progress(f"{phase or 'not seen yet'}; not bound to a volume")


def is_waiting_for_consumer(body: Body) -> bool:
    """Return whether no one provisions this claim yet because no pod uses it.

    The claim itself does not hold its class's binding mode, and a namespaced Role may not read classes. But the volume
    controller names the provisioner on the claim at once in mode Immediate, and only after a node was selected in mode
    WaitForFirstConsumer. Source: kubernetes pkg/controller/volume/persistentvolume, ``syncUnboundClaim``.
    """
    notes = mapping_at(body, "metadata", "annotations")
    if text_at(body, "status", "phase") != "Pending" or text_at(body, "spec", "volumeName"):
        return False
    is_taken_up = any(notes.get(key) for key in (*PROVISIONER_ANNOTATIONS, SELECTED_NODE_ANNOTATION))
    return bool(text_at(body, "spec", "storageClassName")) and not is_taken_up


def service_health(body: Body, age_s: float) -> Health:
    """Judge a Service: at once, but a LoadBalancer has a minute to get its address."""
    if text_at(body, "spec", "type") != "LoadBalancer" or list_at(body, "status", "loadBalancer", "ingress"):
        return current("ready")
    if age_s < LOAD_BALANCER_GRACE_S:
        return in_progress("waits for the address of its load balancer")
    warning = f"no load balancer gave it an address within {LOAD_BALANCER_GRACE_S:.0f} s; it counts as ready without"
    return current("has no load balancer address", warning=warning)


def snapshot_health(body: Body) -> Health:
    """Judge a VolumeSnapshot: ready to be restored from; errors are tried again by its controller."""
    if value_at(body, "status", "readyToUse") is True:
        return current("ready to use")
    error = text_at(body, "status", "error", "message")
    return in_progress(f"not ready to use{f': {error}' if error else ''}")


def disruption_budget_health(body: Body) -> Health:
    """Judge a PodDisruptionBudget: as many healthy pods as it asks for; one without pods asks for nothing."""
    if not mapping_at(body, "status"):
        return in_progress("its controller has not seen it yet")
    healthy, wanted = int_at(body, "status", "currentHealthy"), int_at(body, "status", "desiredHealthy")
    if int_at(body, "status", "expectedPods") == 0:
        return current("no pods to guard")
    if healthy < wanted:
        return in_progress(f"{healthy} of {wanted} pods are healthy", healthy, wanted)
    return current(f"{healthy} pods are healthy, {wanted} must be")


def autoscaler_health(body: Body) -> Health:
    """Judge a HorizontalPodAutoscaler: it is never waited for, but said where it cannot do its work."""
    for kind in ("AbleToScale", "ScalingActive"):
        found = condition(body, kind)
        if found.get("status") == "False" and found.get("reason") != "ScalingDisabled":
            return current("does not scale", warning=f"it does not scale: {explain(found, kind)}")
    return current("ready")


def definition_health(body: Body) -> Health:
    """Judge a CustomResourceDefinition: names accepted and established."""
    if has_condition(body, "NamesAccepted", "False"):
        return failed(explain(condition(body, "NamesAccepted"), "its names are not accepted"))
    if has_condition(body, "Established"):
        return current("established")
    found = condition(body, "Established")
    if found.get("status") == "False" and found.get("reason") != "Installing":
        return failed(explain(found, "not established"))
    return in_progress(explain(found, "not established yet"))


def api_service_health(body: Body) -> Health:
    """Judge an APIService by its condition Available."""
    found = condition(body, "Available")
    if found.get("status") == "True":
        return current("available")
    return in_progress(explain(found, "not available yet"))


def namespace_health(body: Body) -> Health:
    """Judge a Namespace by its phase."""
    phase = text_at(body, "status", "phase")
    if phase == "Terminating":
        return Health(Status.TERMINATING, "being deleted")
    return current("active") if phase == "Active" else in_progress(phase or "its controller has not seen it yet")
