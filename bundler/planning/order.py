"""In which stage an object is written, and which components come first. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors import PlanError
from bundler.model.change import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.refs import ObjectRef

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


def component_order(components: frozenset[str], needs: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Return the components in waves: each wave needs only earlier ones. Pure and stable.

    Raises:
        PlanError: when components need each other in a circle.
    """
    left = set(components)
    waves: list[tuple[str, ...]] = []
    while left:
        wave = tuple(sorted(name for name in left if not set(needs.get(name, ())) & left - {name}))
        if not wave:
            raise PlanError(
                "ordering components",
                context=[f"{name} needs {', '.join(needs.get(name, ()))}" for name in sorted(left)],
                hint="break the circle in `needs` of bundle.yaml",
            )
        waves.append(wave)
        left -= set(wave)
    return tuple(waves)


def effective_needs(components: frozenset[str], needs: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """Return for each component every component that must be ready first.

    A need on ``db`` covers what is nested in it (``db/exporter``); what nests in ``web`` inherits the needs of ``web``.
    """
    return {name: tuple(sorted(_needed(name, components, needs))) for name in sorted(components)}


def _needed(name: str, components: frozenset[str], needs: Mapping[str, tuple[str, ...]]) -> set[str]:
    lineage = [name[:cut] for cut, letter in enumerate(name) if letter == "/"] + [name]
    wanted = {need for ancestor in lineage for need in needs.get(ancestor, ())}
    within = {other for other in components for need in wanted if other == need or other.startswith(need + "/")}
    return within - {name}
