"""API versions that Kubernetes itself no longer serves, and since when. Layer: fields, pure.

Source: https://kubernetes.io/docs/reference/using-api/deprecation-guide/.
"""

from __future__ import annotations

from collections.abc import Mapping

from bundler.fields.kinds import preferred_version

_ALL = "*"
_WORKLOADS = "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet"
_REMOVED: Mapping[str, Mapping[str, str]] = {
    "1.16": {
        "extensions/v1beta1": "DaemonSet Deployment ReplicaSet NetworkPolicy PodSecurityPolicy",
        "apps/v1beta1": _WORKLOADS,
        "apps/v1beta2": _WORKLOADS,
    },
    "1.19": {"auditregistration.k8s.io/v1alpha1": _ALL},
    "1.20": {"settings.k8s.io/v1alpha1": _ALL},
    "1.22": {
        "admissionregistration.k8s.io/v1beta1": "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
        "apiextensions.k8s.io/v1beta1": _ALL,
        "apiregistration.k8s.io/v1beta1": _ALL,
        "authentication.k8s.io/v1beta1": "TokenReview",
        "authorization.k8s.io/v1beta1": _ALL,
        "certificates.k8s.io/v1beta1": "CertificateSigningRequest",
        "coordination.k8s.io/v1beta1": "Lease",
        "extensions/v1beta1": "Ingress",
        "networking.k8s.io/v1beta1": "Ingress IngressClass",
        "rbac.authorization.k8s.io/v1beta1": _ALL,
        "scheduling.k8s.io/v1beta1": _ALL,
        "storage.k8s.io/v1beta1": "CSIDriver CSINode StorageClass VolumeAttachment",
    },
    "1.25": {
        "batch/v1beta1": "CronJob",
        "discovery.k8s.io/v1beta1": "EndpointSlice",
        "events.k8s.io/v1beta1": "Event",
        "autoscaling/v2beta1": "HorizontalPodAutoscaler",
        "policy/v1beta1": "PodDisruptionBudget PodSecurityPolicy",
        "node.k8s.io/v1beta1": "RuntimeClass",
    },
    "1.26": {"autoscaling/v2beta2": "HorizontalPodAutoscaler", "flowcontrol.apiserver.k8s.io/v1beta1": _ALL},
    "1.27": {"storage.k8s.io/v1beta1": "CSIStorageCapacity"},
    "1.29": {"flowcontrol.apiserver.k8s.io/v1beta2": _ALL},
    "1.32": {"flowcontrol.apiserver.k8s.io/v1beta3": _ALL},
}
_POD_SECURITY = "label the namespace: pod-security.kubernetes.io/enforce, instead of PodSecurityPolicies"
_SUCCESSORS = {
    ("extensions", "Ingress"): "use networking.k8s.io/v1, whose backends are service.name and service.port",
    ("extensions", "NetworkPolicy"): "use networking.k8s.io/v1",
    ("extensions", "PodSecurityPolicy"): _POD_SECURITY,
    ("policy", "PodSecurityPolicy"): _POD_SECURITY,
    **{("extensions", kind): "use apps/v1" for kind in ("DaemonSet", "Deployment", "ReplicaSet")},
    ("settings.k8s.io", "PodPreset"): "write what it adds into the pods themselves",
    ("auditregistration.k8s.io", "AuditSink"): "configure webhooks for auditing at the API server",
}
"""Kinds that moved to another group, or are gone: no table of today's kinds has them."""


def removed_in(api_version: str, kind: str) -> str:
    """Return the Kubernetes release that first did not serve a kind in a version: ``1.25``; empty for any other.

    Args:
        api_version: such as ``policy/v1beta1``.
        kind: such as ``PodDisruptionBudget``.
    """
    for release, versions in _REMOVED.items():
        kinds = versions.get(api_version, "")
        if kinds == _ALL or kind in kinds.split():
            return release
    return ""


def successor_of(group: str, kind: str) -> str:
    """Return what to use in place of a kind that moved, or is gone; empty for a kind that Kubernetes has."""
    return _SUCCESSORS.get((group, kind), "")


def replacement_for(group: str, kind: str) -> str:
    """Return what to write in place of a version that is gone, as a hint.

    Args:
        group: API group.
        kind: of the object.
    """
    version = preferred_version(group, kind)
    return successor_of(group, kind) or (f"use {group}/{version}" if version else "")
