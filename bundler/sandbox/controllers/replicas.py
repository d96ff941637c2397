"""ReplicaSets and DaemonSets: so many pods of one template. Layer: sandbox, pure over a store.

Source: the status fields and event texts of kube-controller-manager 1.36.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bundler.model.json import int_at, items_at, text_at, value_at
from bundler.model.refs import ObjectRef, group_of, ref_of
from bundler.sandbox.controllers.world import (
    controller_uid,
    is_leaving,
    is_pod_ready,
    pod_from,
    seconds_of,
    short_hash,
    template_hash,
    with_times,
)
from bundler.sandbox.quota import quota_problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bundler.model.json import Body
    from bundler.sandbox.controllers.world import World
    from bundler.sandbox.store import Tree

REPLICAS_WATCHED = frozenset({("apps", "ReplicaSet"), ("", "Pod"), ("", "ServiceAccount")})
DAEMONS_WATCHED = frozenset({("apps", "DaemonSet"), ("", "Pod"), ("", "ServiceAccount")})


def run_replica_sets(world: World) -> None:
    """Give every ReplicaSet the pods it asks for."""
    for replica_set in world.staying("apps", "ReplicaSet"):
        _sync_replica_set(world, replica_set)


def run_daemon_sets(world: World) -> None:
    """Give every DaemonSet its pod on the only node."""
    for daemon_set in world.staying("apps", "DaemonSet"):
        _sync_daemon_set(world, daemon_set)


def active_pods(world: World, owner: Body) -> list[Body]:
    """Return the pods of an owner that count: neither ended nor leaving."""
    ended = ("Succeeded", "Failed")
    pods = world.owned(owner, "", "Pod")
    return [pod for pod in pods if not is_leaving(pod) and text_at(pod, "status", "phase") not in ended]


def available_pods(world: World, owner: Body, pods: Sequence[Body]) -> list[Body]:
    """Return the pods that are ready for ``minReadySeconds``, and plan to look again when more will be.

    Args:
        world: what the controllers see.
        owner: a workload.
        pods: of the owner.
    """
    least_s = int_at(owner, "spec", "minReadySeconds")
    found = []
    for pod in pods:
        if not is_pod_ready(pod):
            continue
        ready = next(one for one in items_at(pod, "status", "conditions") if one.get("type") == "Ready")
        due_s = seconds_of(text_at(ready, "lastTransitionTime")) + least_s
        if least_s == 0 or due_s <= world.now_s:
            found.append(pod)
        else:
            world.wake_at(due_s)
    return found


def creation_problem(world: World, owner: Body) -> str:
    """Return why the API server would refuse the owner's pods, empty where it would not."""
    namespace = text_at(owner, "metadata", "namespace")
    name = f"{text_at(owner, 'metadata', 'name')}-"
    refs = [ref_of(owner), *_owners_refs(owner, namespace)]
    if any(world.faults[ref].reason == "QuotaExceeded" for ref in refs if ref in world.faults):
        return f'pods "{name}" is forbidden: exceeded quota: sandbox, requested: pods=1, used: pods=0, limited: pods=0'
    account = text_at(owner, "spec", "template", "spec", "serviceAccountName") or "default"
    if world.tx.get(ObjectRef("", "ServiceAccount", namespace, account)) is None:
        where = f'{namespace}/{account}: serviceaccount "{account}" not found'
        return f'pods "{name}" is forbidden: error looking up service account {where}'
    pod = pod_from(value_at(owner, "spec", "template"), owner, name, {})
    refused = quota_problem(world.tx, ref_of(pod), pod)
    return f'pods "{name}" is forbidden: {refused}' if refused else ""


def warned_problem(world: World, owner: Body, component: str) -> str:
    """Return why the owner's pods would be refused, after a warning about it; empty where they would not.

    Args:
        world: what the controllers see.
        owner: a workload.
        component: name of the controller.
    """
    problem = creation_problem(world, owner)
    if problem:
        world.warn(owner, "FailedCreate", f"Error creating: {problem}", component=component)
    return problem


def _owners_refs(owner: Body, namespace: str) -> list[ObjectRef]:
    uid = controller_uid(owner)
    owners = [one for one in items_at(owner, "metadata", "ownerReferences") if text_at(one, "uid") == uid]
    return [
        ObjectRef(group_of(text_at(one, "apiVersion")), text_at(one, "kind"), namespace, text_at(one, "name"))
        for one in owners
    ]


def _sync_replica_set(world: World, replica_set: Body) -> None:
    pods = active_pods(world, replica_set)
    wanted = int_at(replica_set, "spec", "replicas", default=1)
    problem = ""
    if len(pods) < wanted:
        problem = warned_problem(world, replica_set, "replicaset-controller")
        if not problem:
            pods += _new_pods(world, replica_set, wanted - len(pods))
            problem = creation_problem(world, replica_set) if len(pods) < wanted else ""
    elif len(pods) > wanted:
        surplus = sorted(pods, key=_worth)[: len(pods) - wanted]
        for pod in surplus:
            world.delete(pod)
        pods = [pod for pod in pods if pod not in surplus]
    world.set_status(replica_set, _replica_status(world, replica_set, pods, problem))


def _new_pods(world: World, replica_set: Body, count: int) -> list[Body]:
    """Create pods until there are enough, or a quota is used up."""
    made: list[Body] = []
    while len(made) < count and not (made and creation_problem(world, replica_set)):
        made.append(_new_pod(world, replica_set, {}, salt=f"{len(made)}"))
    return made


def _worth(pod: Body) -> tuple[bool, str]:
    """Order pods by how little would be lost with them."""
    return is_pod_ready(pod), text_at(pod, "metadata", "creationTimestamp")


def _new_pod(world: World, owner: Body, labels: Mapping[str, str], *, salt: str) -> Body:
    uid = text_at(owner, "metadata", "uid")
    name = f"{text_at(owner, 'metadata', 'name')}-{short_hash(f'{uid}/{world.tx.version}/{salt}', 5)}"
    return world.create("", "Pod", pod_from(value_at(owner, "spec", "template"), owner, name, labels))


def _replica_status(world: World, replica_set: Body, pods: Sequence[Body], problem: str) -> Tree:
    status: Tree = {
        "replicas": len(pods),
        "fullyLabeledReplicas": len(pods),
        "readyReplicas": sum(is_pod_ready(pod) for pod in pods),
        "availableReplicas": len(available_pods(world, replica_set, pods)),
        "observedGeneration": int_at(replica_set, "metadata", "generation"),
    }
    status = {key: value for key, value in status.items() if value or key == "replicas"}
    if problem:
        failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": problem}
        old = items_at(replica_set, "status", "conditions")
        status["conditions"] = with_times(old, [failure], world.time)
    return status


def _sync_daemon_set(world: World, daemon_set: Body) -> None:
    revision = template_hash(value_at(daemon_set, "spec", "template"))
    pods = active_pods(world, daemon_set)
    updated = [pod for pod in pods if text_at(pod, "metadata", "labels", "controller-revision-hash") == revision]
    for pod in pods:
        if pod not in updated and text_at(daemon_set, "spec", "updateStrategy", "type") != "OnDelete":
            world.delete(pod)
            pods = updated
    is_free = not world.owned(daemon_set, "", "Pod")
    if is_free and not warned_problem(world, daemon_set, "daemonset-controller"):
        pod = _new_pod(world, daemon_set, {"controller-revision-hash": revision}, salt=json.dumps(revision))
        pods = updated = [pod]
    world.set_status(daemon_set, _daemon_status(world, daemon_set, pods, updated))


def _daemon_status(world: World, daemon_set: Body, pods: Sequence[Body], updated: Sequence[Body]) -> Tree:
    available = len(available_pods(world, daemon_set, pods))
    status: Tree = {
        "currentNumberScheduled": len(pods),
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 1,
        "numberReady": sum(is_pod_ready(pod) for pod in pods),
        "observedGeneration": int_at(daemon_set, "metadata", "generation"),
        "updatedNumberScheduled": len(updated),
    }
    if available:
        status["numberAvailable"] = available
    else:
        status["numberUnavailable"] = 1
    return status
