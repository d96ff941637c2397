"""A Deployment that is scaled in the middle of a rollout. Layer: sandbox, pure over a store.

Source: Kubernetes, "Deployments" (proportional scaling); each ReplicaSet notes the numbers that it was sized for, and a
number other than the Deployment's says that the Deployment was scaled since.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bundler.model.json import int_at, text_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bundler.model.json import Body

WANTED = "deployment.kubernetes.io/desired-replicas"
MOST = "deployment.kubernetes.io/max-replicas"


def sized_for(wanted: int, most: int) -> dict[str, str]:
    """Return what a ReplicaSet notes when it is made or resized.

    Args:
        wanted: replicas of the Deployment.
        most: pods that it may have during a rollout.
    """
    return {WANTED: str(wanted), MOST: str(most)}


def is_scaled(replica_sets: Sequence[Body], wanted: int) -> bool:
    """Return whether the Deployment got another number of replicas since its ReplicaSets were sized."""
    noted = [text_at(one, "metadata", "annotations", WANTED) for one in replica_sets if size_of(one)]
    return any(number and number != str(wanted) for number in noted)


def shares(replica_sets: Sequence[Body], wanted: int, most: int) -> Mapping[str, int]:
    """Return the sizes by name that keep the share of each ReplicaSet; what is left over goes to the largest.

    Args:
        replica_sets: of one Deployment, the newest first.
        wanted: replicas of the Deployment.
        most: pods that it may have during a rollout.
    """
    active = [one for one in replica_sets if size_of(one)]
    if len(active) <= 1:
        return {_name(one): wanted for one in active or replica_sets[:1]}
    active.sort(key=size_of, reverse=True)
    missing = (most if wanted else 0) - sum(size_of(one) for one in active)
    sizes = {_name(one): size_of(one) for one in active}
    left = missing
    for one in active:
        part = _part(one, most if wanted else 0)
        part = min(part, left) if missing > 0 else max(part, left)
        sizes[_name(one)] += part
        left -= part
    largest = _name(active[0])
    sizes[largest] = max(sizes[largest] + left, 0)
    return sizes


def _part(replica_set: Body, most: int) -> int:
    before = int(text_at(replica_set, "metadata", "annotations", MOST) or 0)
    if before == 0:
        return 0
    return math.floor(size_of(replica_set) * most / before + 0.5) - size_of(replica_set)


def _name(replica_set: Body) -> str:
    return text_at(replica_set, "metadata", "name")


def size_of(replica_set: Body) -> int:
    """Return how many pods a ReplicaSet is to have."""
    return int_at(replica_set, "spec", "replicas")
