"""In which stage an object is written, and which components come first. Layer: planning, pure."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Protocol, TypeVar

from bundler.errors.change import PlanError
from bundler.fields.kinds import kind_info
from bundler.model.change import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bundler.model.change import Change
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


def is_custom(ref: ObjectRef) -> bool:
    """Tell whether a kind is none of Kubernetes' own: an operator may have to act before such an object can go."""
    return kind_info(ref.group, ref.kind) is None


class Placed(Protocol):
    """What has a place in the order of writing: a change, or an entry of an inventory."""

    @property
    def ref(self) -> ObjectRef:
        """Which object."""
        ...

    @property
    def component(self) -> str:
        """Which component it belongs to; empty for the bundle's own."""
        ...

    @property
    def stage(self) -> Stage:
        """In which stage of its component it is written."""
        ...


P = TypeVar("P", bound=Placed)


def change_order(changes: Iterable[P], needs: Mapping[str, tuple[str, ...]]) -> tuple[P, ...]:
    """Return changes as they are written: components after those they need, stage by stage."""
    rank = _ranks(needs)
    return tuple(sorted(changes, key=lambda c: (rank[c.component], c.component, c.stage, c.ref)))


def removal_order(changes: Iterable[Change], needs: Mapping[str, tuple[str, ...]]) -> tuple[Change, ...]:
    """Return deletes as they are made: the other way round, but objects of custom kinds before what is built in.

    The operator that takes a finalizer off, its roles and its webhooks must outlive the objects it cares for. Among
    components that do not need each other all custom objects go first: the operator may be in any of them.
    """
    rank = _ranks(needs)
    return tuple(
        sorted(changes, key=lambda c: (rank[c.component], is_custom(c.ref), c.component, c.stage, c.ref), reverse=True)
    )


def removal_groups(deletes: Iterable[Change]) -> tuple[tuple[Change, ...], ...]:
    """Split deletes, already in order, into what is deleted side by side."""
    return tuple(tuple(group) for _, group in groupby(deletes, lambda c: (c.component, is_custom(c.ref), c.stage)))


def _ranks(needs: Mapping[str, tuple[str, ...]]) -> Mapping[str, int]:
    waves = component_order(frozenset(needs), needs)
    return {name: number for number, wave in enumerate(waves) for name in wave}


def with_implied_needs(
    needs: Mapping[str, tuple[str, ...]], implied: Iterable[tuple[str, str]]
) -> Mapping[str, tuple[str, ...]]:
    """Add needs that follow from what components hold, but for those that would close a circle.

    Args:
        needs: of every component.
        implied: pairs of a component and one that it needs.
    """
    found = {name: set(others) for name, others in needs.items()}
    pairs = {(name, other) for name, need in implied for other in needs if _is_within(other, need)}
    for name, need in sorted(pairs):
        if name in found and name not in _reached_from(need, found):
            found[name].add(need)
    return {name: tuple(sorted(others)) for name, others in found.items()}


def _reached_from(start: str, needs: Mapping[str, set[str]]) -> set[str]:
    reached, open_ones = {start}, [start]
    while open_ones:
        more = needs.get(open_ones.pop(), set()) - reached
        reached |= more
        open_ones += more
    return reached


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
    within = {other for other in components for need in wanted if _is_within(other, need)}
    return within - {name}


def _is_within(name: str, ancestor: str) -> bool:
    return name == ancestor or name.startswith(ancestor + "/")
