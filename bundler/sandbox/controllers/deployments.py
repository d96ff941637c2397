"""Deployments: one ReplicaSet per pod template, rolled over step by step. Layer: sandbox, pure over a store.

Source: Kubernetes, "Deployments" (rolling update, progress deadline); status as kube-controller-manager 1.36 writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import int_at, items_at, mapping_at, text_at, value_at
from bundler.model.lean import dataclass
from bundler.model.refs import ObjectRef, ref_of
from bundler.sandbox.controllers.proportional import is_scaled, shares, size_of, sized_for
from bundler.sandbox.controllers.world import (
    is_leaving,
    owner_reference,
    seconds_of,
    share_of,
    template_hash,
)
from bundler.sandbox.writes import thawed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.model.json import Body
    from bundler.sandbox.controllers.world import World
    from bundler.sandbox.store import Tree

WATCHED = frozenset({("apps", "Deployment"), ("apps", "ReplicaSet"), ("", "Pod")})
HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
NO_DEADLINE = 2**31 - 1
"""As ``progressDeadlineSeconds``: there is none, and no condition says how the rollout goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rollout:
    deployment: Body
    wanted: int
    new: Body
    old: Sequence[Body]
    """Without the new one."""

    @property
    def every(self) -> list[Body]:
        """The new and the old ones."""
        return [self.new, *self.old]

    @property
    def most(self) -> int:
        """How many pods there may be during the rollout."""
        return self.wanted + _bounds(self)[0]


def run_deployments(world: World) -> None:
    """Move every Deployment a step towards its template and its number of replicas."""
    for deployment in world.staying("apps", "Deployment"):
        _sync(world, deployment)


def _sync(world: World, deployment: Body) -> None:
    owned = [one for one in world.owned(deployment, "apps", "ReplicaSet") if not is_leaving(one)]
    template = mapping_at(deployment, "spec", "template")
    name = f"{text_at(deployment, 'metadata', 'name')}-{template_hash(template)}"
    new = next((one for one in owned if text_at(one, "metadata", "name") == name), None)
    if value_at(deployment, "spec", "paused") is not True:
        if new is None:
            new = _make_replica_set(world, deployment, name, owned)
            if new is None:
                return
            owned = [*owned, new]
        deployment = _number(world, deployment, new, owned)
        new = _same_patience(world, deployment, new)
    if new is not None:
        rollout = _Rollout(
            deployment=deployment,
            wanted=int_at(deployment, "spec", "replicas", default=1),
            new=new,
            old=[one for one in owned if text_at(one, "metadata", "name") != name],
        )
        if is_scaled(rollout.every, rollout.wanted):
            _share_out(world, rollout)
        elif value_at(deployment, "spec", "paused") is not True:
            _scale(world, rollout)
        _forget_old(world, rollout)
        _write_status(world, rollout)


def _make_replica_set(world: World, deployment: Body, name: str, owned: Sequence[Body]) -> Body | None:
    namespace = text_at(deployment, "metadata", "namespace")
    if world.tx.get(ObjectRef("apps", "ReplicaSet", namespace, name)) is not None:
        return None  # One of a deleted Deployment of that name is on its way out.
    hashed = {HASH_LABEL: name.rpartition("-")[2]}
    template = thawed(mapping_at(deployment, "spec", "template"))
    metadata = template["metadata"] = template.get("metadata") or {}
    metadata["labels"] = {**(metadata.get("labels") or {}), **hashed}
    selector = thawed(mapping_at(deployment, "spec", "selector"))
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), **hashed}
    spec: Tree = {"replicas": 0, "selector": selector, "template": template}
    if int_at(deployment, "spec", "minReadySeconds"):
        spec["minReadySeconds"] = int_at(deployment, "spec", "minReadySeconds")
    body: Tree = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": dict(metadata["labels"]),
            "annotations": {REVISION: str(_last_revision(owned) + 1)},
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": spec,
        "status": {"replicas": 0},
    }
    return world.create("apps", "ReplicaSet", body)


def _last_revision(owned: Sequence[Body]) -> int:
    return max((int(text_at(one, "metadata", "annotations", REVISION) or 0) for one in owned), default=0)


def _number(world: World, deployment: Body, new: Body, owned: Sequence[Body]) -> Body:
    """Give the new ReplicaSet the highest revision and note it on the Deployment."""
    revision = int(text_at(new, "metadata", "annotations", REVISION) or 0)
    others = [one for one in owned if one is not new]
    if revision <= _last_revision(others):
        revision = _last_revision(others) + 1
        made = thawed(new)
        made["metadata"]["annotations"][REVISION] = str(revision)
        world.update(new, made)
    if text_at(deployment, "metadata", "annotations", REVISION) == str(revision):
        return deployment
    made = thawed(deployment)
    made["metadata"].setdefault("annotations", {})[REVISION] = str(revision)
    world.update(deployment, made)
    return made


def _same_patience(world: World, deployment: Body, new: Body) -> Body:
    """Give the new ReplicaSet the ``minReadySeconds`` of the Deployment; old ones keep what they had."""
    seconds = int_at(deployment, "spec", "minReadySeconds")
    if int_at(new, "spec", "minReadySeconds") == seconds:
        return new
    made = thawed(new)
    made["spec"]["minReadySeconds"] = seconds
    world.update(new, made)
    return made


def _share_out(world: World, rollout: _Rollout) -> None:
    """Size every ReplicaSet for a new number of replicas; the rollout continues after that."""
    sizes = shares(rollout.every, rollout.wanted, rollout.most)
    for one in rollout.every:
        _resize(world, rollout, one, sizes.get(text_at(one, "metadata", "name"), size_of(one)), is_noted=True)


def _scale(world: World, rollout: _Rollout) -> None:
    if text_at(rollout.deployment, "spec", "strategy", "type") == "Recreate":
        for one in rollout.old:
            _resize(world, rollout, one, 0)
        if not any(world.owned(one, "", "Pod") for one in rollout.old):
            _resize(world, rollout, rollout.new, rollout.wanted)
        return
    _, unavailable = _bounds(rollout)
    total = sum(size_of(one) for one in rollout.every)
    size = size_of(rollout.new)
    if size > rollout.wanted or not any(size_of(one) for one in rollout.old):
        _resize(world, rollout, rollout.new, rollout.wanted)
    elif size < rollout.wanted and total < rollout.most:
        _resize(world, rollout, rollout.new, min(rollout.wanted, size + rollout.most - total))
    _shrink_old(world, rollout, rollout.wanted - unavailable)


def _bounds(rollout: _Rollout) -> tuple[int, int]:
    """Return how many pods there may be beyond, and how many may be missing from, what is wanted."""
    rolling = mapping_at(rollout.deployment, "spec", "strategy", "rollingUpdate")
    surge = share_of(rolling.get("maxSurge", "25%"), rollout.wanted, up=True)
    unavailable = share_of(rolling.get("maxUnavailable", "25%"), rollout.wanted, up=False)
    return surge, unavailable if surge or unavailable else 1


def _shrink_old(world: World, rollout: _Rollout, least: int) -> None:
    """Scale old ReplicaSets down: first what is not available anyway, then as far as enough stays available."""
    room = sum(size_of(one) for one in rollout.every) - least - _missing(rollout.new)
    for one in rollout.old:
        drop = min(_missing(one) if _missing(one) > 0 else size_of(one), room)
        if drop > 0:
            room -= drop
            _resize(world, rollout, one, size_of(one) - drop)


def _missing(replica_set: Body) -> int:
    return size_of(replica_set) - int_at(replica_set, "status", "availableReplicas")


def _resize(world: World, rollout: _Rollout, replica_set: Body, size: int, *, is_noted: bool = False) -> None:
    made = world.tx.get(ref_of(replica_set))
    if made is None or (size_of(made) == size and not is_noted):
        return
    made["spec"]["replicas"] = size
    made["metadata"].setdefault("annotations", {}).update(sized_for(rollout.wanted, rollout.most))
    world.update(replica_set, made)


def _forget_old(world: World, rollout: _Rollout) -> None:
    """Delete empty ReplicaSets beyond ``revisionHistoryLimit``."""
    limit = int_at(rollout.deployment, "spec", "revisionHistoryLimit", default=10)
    empty = [one for one in rollout.old if size_of(one) == 0 and int_at(one, "status", "replicas") == 0]
    empty.sort(key=lambda one: int(text_at(one, "metadata", "annotations", REVISION) or 0))
    for one in empty[: max(len(empty) - limit, 0)]:
        world.delete(one)


def _write_status(world: World, rollout: _Rollout) -> None:
    counts = {
        "observedGeneration": int_at(rollout.deployment, "metadata", "generation"),
        "replicas": sum(int_at(one, "status", "replicas") for one in rollout.every),
        "updatedReplicas": int_at(rollout.new, "status", "replicas"),
        "readyReplicas": sum(int_at(one, "status", "readyReplicas") for one in rollout.every),
        "availableReplicas": sum(int_at(one, "status", "availableReplicas") for one in rollout.every),
    }
    missing = max(sum(size_of(one) for one in rollout.every) - counts["availableReplicas"], 0)
    status: Tree = {key: value for key, value in counts.items() if value}
    if missing:
        status["unavailableReplicas"] = missing
    status["conditions"] = _conditions(world, rollout, counts)
    world.set_status(rollout.deployment, status)


def _conditions(world: World, rollout: _Rollout, counts: dict[str, int]) -> list[Tree]:
    old = {text_at(one, "type"): one for one in items_at(rollout.deployment, "status", "conditions")}
    _, unavailable = _bounds(rollout)
    is_available = counts["availableReplicas"] >= rollout.wanted - unavailable
    available = {
        "type": "Available",
        "status": "True" if is_available else "False",
        "reason": "MinimumReplicasAvailable" if is_available else "MinimumReplicasUnavailable",
        "message": f"Deployment {'has' if is_available else 'does not have'} minimum availability.",
    }
    found = [_stamped(old, available, world.time)]
    if int_at(rollout.deployment, "spec", "progressDeadlineSeconds", default=600) != NO_DEADLINE:
        found.append(_progress(world, rollout, counts, old))
    failures = [one for one in items_at(rollout.new, "status", "conditions") if one.get("type") == "ReplicaFailure"]
    said = [{key: text_at(one, key) for key in ("type", "status", "reason", "message")} for one in failures]
    return [*found, *(_stamped(old, one, world.time) for one in said)]


def _progress(world: World, rollout: _Rollout, counts: dict[str, int], old: dict[str, Body]) -> Tree:
    name = text_at(rollout.new, "metadata", "name")
    before = mapping_at(old.get("Progressing", {}))
    status = mapping_at(rollout.deployment, "status")
    is_complete = counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"] == rollout.wanted
    condition: Tree = {"type": "Progressing", "status": "True"}
    if is_complete:
        words = f'ReplicaSet "{name}" has successfully progressed.'
        return _stamped(old, {**condition, "reason": "NewReplicaSetAvailable", "message": words}, world.time)
    moved = not before or any(int_at(status, key) != counts[key] for key in counts)
    since_s = world.now_s if moved else seconds_of(text_at(before, "lastUpdateTime"))
    due_s = since_s + int_at(rollout.deployment, "spec", "progressDeadlineSeconds", default=600)
    is_over = before.get("reason") == "ProgressDeadlineExceeded" and not moved
    if world.now_s >= due_s or is_over:
        words = f'ReplicaSet "{name}" has timed out progressing.'
        late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": words}
        return _stamped(old, late, world.time)
    world.wake_at(due_s)
    if before.get("reason") == "ReplicaSetUpdated" and not moved:
        return thawed(before)
    words = f'ReplicaSet "{name}" is progressing.'
    return _stamped(old, {**condition, "reason": "ReplicaSetUpdated", "message": words}, world.time, is_update=True)


def _stamped(old: dict[str, Body], condition: Tree, time: str, *, is_update: bool = False) -> Tree:
    """Add both times of a Deployment's condition, kept where nothing moved."""
    before = old.get(condition["type"], {})
    is_same = all(before.get(key) == condition[key] for key in ("status", "reason", "message"))
    since = text_at(before, "lastTransitionTime") if before.get("status") == condition["status"] else time
    update = text_at(before, "lastUpdateTime") if is_same and not is_update else time
    return {**condition, "lastUpdateTime": update, "lastTransitionTime": since}
