"""A model of the native controllers of a Deployment, a move at a time: what they may do next, in any order.

Source: Kubernetes 1.36, pkg/controller/deployment (rolling.go, sync.go, util/deployment_util.go) and
pkg/controller/replicaset. Everything that happens at its own time is a move of its own: a sync of the Deployment, one of
a ReplicaSet, a pod that becomes ready, and a status that is written late.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bundler.model.rollout import Pacing

if TYPE_CHECKING:
    from collections.abc import Callable

HELD_S, AUTHOR_S = 2**31 - 2, 0


@dataclass(slots=True)
class Pods:
    """One ReplicaSet and its pods."""

    size: int = 0
    """``spec.replicas``"""
    ready: int = 0
    unready: int = 0
    min_ready_s: int = AUTHOR_S
    available: int = 0
    """``status.availableReplicas``, as of its last sync."""
    wanted: int = 0
    """Annotation: replicas of the Deployment when it was sized."""
    most: int = 0
    """Annotation: pods that there might be then."""

    @property
    def there(self) -> int:
        return self.ready + self.unready


@dataclass(slots=True)
class Rolling:
    """A Deployment with one old and one new ReplicaSet."""

    replicas: int
    surge: int | str
    unavailable: int | str
    min_ready_s: int = AUTHOR_S
    old: Pods = field(default_factory=Pods)
    new: Pods = field(default_factory=Pods)
    is_new: bool = False
    """The template of the Deployment is the new one."""

    @classmethod
    def started(cls, replicas: int, surge: int | str, unavailable: int | str) -> Rolling:
        made = cls(replicas, surge, unavailable)
        more, _ = made.bounds
        made.old = Pods(replicas, replicas, available=replicas, wanted=replicas, most=replicas + more)
        return made

    @property
    def bounds(self) -> tuple[int, int]:
        return bounds(self.surge, self.unavailable, self.replicas)

    @property
    def ready(self) -> int:
        return self.old.ready + self.new.ready

    @property
    def sizes(self) -> int:
        return self.old.size + self.new.size

    @property
    def pacing(self) -> Pacing | None:
        held = self.is_new and self.min_ready_s == HELD_S
        return Pacing(surge=self.surge, unavailable=self.unavailable) if held else None

    @property
    def is_settled(self) -> bool:
        """Whether no controller has anything left to do, and all pods are ready."""
        later = replace(self, old=replace(self.old), new=replace(self.new))
        for _ in range(2):
            later.sync()
        return (self.old, self.new) == (later.old, later.new) and all(
            one.size == one.ready and not one.unready and one.available == _available(one)
            for one in (self.old, self.new)
        )

    def hold(self, pacing: Pacing) -> None:
        assert pacing.surge is not None
        assert pacing.unavailable is not None
        self.surge, self.unavailable, self.min_ready_s, self.is_new = pacing.surge, pacing.unavailable, HELD_S, True

    def write(self, surge: int | str, unavailable: int | str, *, is_new: bool) -> None:
        """Write a body as its author rendered it."""
        self.surge, self.unavailable, self.min_ready_s, self.is_new = surge, unavailable, AUTHOR_S, is_new

    def sync(self) -> None:
        """Do what the Deployment's controller does at once."""
        target, other = (self.new, self.old) if self.is_new else (self.old, self.new)
        if target.min_ready_s != self.min_ready_s:
            target.min_ready_s = self.min_ready_s
        more, fewer = self.bounds
        if any(one.size and one.wanted != self.replicas for one in (target, other)):
            self._share_out(target, other, more)
            return
        size = self._size_of_target(target, more)
        if size != target.size:
            self._size(target, size)
            return
        least = self.replicas - fewer
        room = self.sizes - least - (target.size - target.available)
        if other.size == 0 or room <= 0:
            return
        unhealthy = min(room, max(other.size - other.available, 0))
        if unhealthy:
            self._size(other, other.size - unhealthy)
        available = target.available + other.available
        if available > least and other.size:
            self._size(other, other.size - min(other.size, available - least))

    def _size_of_target(self, target: Pods, more: int) -> int:
        if target.size >= self.replicas:
            return self.replicas
        room = self.replicas + more - self.sizes
        return target.size + max(min(room, self.replicas - target.size), 0)

    def _share_out(self, target: Pods, other: Pods, more: int) -> None:
        active = [one for one in (target, other) if one.size]
        if len(active) <= 1:
            self._size(active[0] if active else target, self.replicas)
            return
        if target.size == target.available == self.replicas == target.wanted:
            self._size(other, 0)
            return
        most = self.replicas + more if self.replicas else 0
        left = most - self.sizes
        is_growing = left > 0
        # By size; of two of the same size the newer one grows first, and the older one shrinks first.
        active.sort(key=lambda one: (-one.size, (one is self.old) == is_growing))
        sizes = []
        for one in active:
            part = math.floor(one.size * most / (one.most or most) + 0.5) - one.size
            part = min(part, left) if is_growing else max(part, left)
            part = part if left else 0
            sizes.append(one.size + part)
            left -= part
        sizes[0] = max(sizes[0] + left, 0)
        for one, size in zip(active, sizes, strict=True):
            self._size(one, size)

    def _size(self, one: Pods, size: int) -> None:
        one.size, one.wanted, one.most = size, self.replicas, self.replicas + self.bounds[0]
        # A status from before is a race of the native controllers with each other: they would count pods that go.
        one.available = min(one.available, size)


def sync_pods(one: Pods) -> None:
    """Do what a ReplicaSet's controller does at once: pods that are not ready go first."""
    surplus = one.there - one.size
    if surplus > 0:
        gone = min(surplus, one.unready)
        one.unready -= gone
        one.ready -= surplus - gone
    one.unready += max(-surplus, 0)
    one.available = _available(one)


def bounds(surge: int | str, unavailable: int | str, replicas: int) -> tuple[int, int]:
    """Return both bounds in pods, as the controllers round them."""
    more, fewer = _scaled(surge, replicas, math.ceil), _scaled(unavailable, replicas, math.floor)
    if more == fewer == 0:
        fewer = 1
    return more, min(fewer, replicas)


def _scaled(bound: int | str, replicas: int, rounded: Callable[[float], int]) -> int:
    return bound if isinstance(bound, int) else rounded(int(bound.removesuffix("%")) * replicas / 100)


def _available(one: Pods) -> int:
    return one.ready if one.min_ready_s == AUTHOR_S else 0
