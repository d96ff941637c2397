"""In which stage of its component an object is written. Layer: planning, pure.

Only the scheduler, and what keeps the inventory of a record, looks at stages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bundler.model.refs import ObjectRef
from bundler.model.stage import Stage

if TYPE_CHECKING:
    from bundler.model.change import Change

_STAGES: Mapping[Stage, tuple[tuple[str, str], ...]] = {
    Stage.DEFINITIONS: (("", "Namespace"), ("apiextensions.k8s.io", "CustomResourceDefinition")),
    Stage.ACCESS: (
        ("", "ServiceAccount"),
        ("", "ResourceQuota"),
        ("", "LimitRange"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("rbac.authorization.k8s.io", "Role"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("networking.k8s.io", "NetworkPolicy"),
    ),
    Stage.CONFIG: (
        ("", "ConfigMap"),
        ("", "Secret"),
        ("", "PersistentVolume"),
        ("", "PersistentVolumeClaim"),
        ("storage.k8s.io", "StorageClass"),
    ),
    Stage.SERVICES: (("", "Service"), ("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice")),
    Stage.EDGES: (
        ("autoscaling", "HorizontalPodAutoscaler"),
        ("keda.sh", "ScaledObject"),
        ("policy", "PodDisruptionBudget"),
        ("networking.k8s.io", "Ingress"),
        ("networking.k8s.io", "IngressClass"),
        ("gateway.networking.k8s.io", "HTTPRoute"),
    ),
    Stage.EXTENSIONS: (
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiregistration.k8s.io", "APIService"),
    ),
}
_STAGE_OF = {group_kind: stage for stage, kinds in _STAGES.items() for group_kind in kinds}


def stage_of(ref: ObjectRef) -> Stage:
    """Return the stage in which an object is written; workloads and everything unknown share one."""
    return _STAGE_OF.get((ref.group, ref.kind), Stage.WORKLOADS)


def stage_in_plan(change: Change) -> Stage:
    """Return the stage in which a change is made: what a webhook of its component judges comes after that."""
    return Stage.JUDGED if change.is_judged else stage_of(change.ref)
