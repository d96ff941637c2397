"""Scheduler and kubelet of the sandbox's only node. Layer: sandbox, pure over a store."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bundler.model.json import items_at, mapping_at, text_at, value_at
from bundler.model.refs import ObjectRef, group_of, ref_of
from bundler.sandbox.controllers.pod_status import RUN_REASONS, SLOW_S, START_REASONS, Moment, report
from bundler.sandbox.controllers.world import controller_uid, is_leaving, seconds_of, with_times
from bundler.sandbox.writes import thawed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.json import Body
    from bundler.sandbox.controllers.world import World
    from bundler.sandbox.store import Fault, Tree

NODE = "sandbox"
WATCHED = frozenset({("", "Pod"), ("", "PersistentVolumeClaim"), ("", "ConfigMap"), ("", "Secret")})
BORN = "sandbox.bundler.dev/born"
"""Annotation with the exact birth of a pod, in seconds since the epoch: the API's own times have whole seconds."""


def run_pods(world: World) -> None:
    """Schedule new pods, report on all of them, and remove those that were asked to stop."""
    for pod in world.all("", "Pod"):
        if is_leaving(pod):
            _stop(world, pod)
        elif text_at(pod, "status", "phase") not in ("Succeeded", "Failed"):
            _report(world, pod)


def _stop(world: World, pod: Body) -> None:
    if not mapping_at(pod, "metadata").get("finalizers"):
        world.tx.remove(ref_of(pod))


def _report(world: World, pod: Body) -> None:
    born_s = _born(world, pod)
    fault_reason, fault_s = _fault(world, pod, born_s)
    reason, message = (fault_reason, "") if fault_reason else _missing(world, pod)
    starts_s = max(born_s + world.settings.ready_after_s, fault_s)
    if reason == "SlowStart":
        starts_s, reason = starts_s + SLOW_S, ""
    moment = Moment(
        age_s=world.now_s - starts_s, reason=reason, message=message, time=world.time, run_s=world.settings.run_s
    )
    made = report(pod, moment)
    if made.next_s is not None:
        world.wake_at(world.now_s + made.next_s)
    status = _timed(pod, made.status, world.time, has_node=reason != "Unschedulable")
    _write(world, pod, status, born_s=born_s, has_node=reason != "Unschedulable")
    for why, words in made.events:
        world.warn(pod, why, words, component="default-scheduler" if why == "FailedScheduling" else "kubelet")


def _write(world: World, pod: Body, status: Tree, *, born_s: float, has_node: bool) -> None:
    is_known = bool(text_at(pod, "metadata", "annotations", BORN))
    is_bound = bool(text_at(pod, "spec", "nodeName"))
    if is_known and (is_bound or not has_node) and mapping_at(pod, "status") == status:
        return
    made = thawed(pod)
    made["metadata"].setdefault("annotations", {}).setdefault(BORN, repr(born_s))
    if has_node:
        made["spec"]["nodeName"] = text_at(pod, "spec", "nodeName") or NODE
    made["status"] = status
    world.tx.update(ref_of(pod), made)


def _born(world: World, pod: Body) -> float:
    noted = text_at(pod, "metadata", "annotations", BORN)
    if noted:
        return float(noted)
    created_s = seconds_of(text_at(pod, "metadata", "creationTimestamp"))
    # Pods are seen right after their creation; only a sandbox that no one looked at for a while sees old ones.
    return world.now_s if world.now_s - created_s < 1 else created_s


def _fault(world: World, pod: Body, born_s: float) -> tuple[str, float]:
    """Return the asked-for reason that holds for a pod and since when; empty and 0 where there is none."""
    for fault in _faults_of(world, pod):
        if fault.reason in RUN_REASONS or (fault.reason in START_REASONS and born_s >= fault.since_s):
            return fault.reason, fault.since_s if fault.reason in RUN_REASONS else 0.0
    for word, reason in world.settings.image_faults.items():
        if any(word in text_at(one, "image") for one in items_at(pod, "spec", "containers")):
            return reason, 0.0
    return "", 0.0


def _faults_of(world: World, pod: Body) -> Iterator[Fault]:
    """Yield the faults of a pod and of its owners."""
    here: Body | None = pod
    while here is not None and world.faults:
        ref = ref_of(here)
        if ref in world.faults:
            yield world.faults[ref]
        here = _owner(world, here)


def _owner(world: World, body: Body) -> Body | None:
    if not controller_uid(body):
        return None
    owner = next(one for one in items_at(body, "metadata", "ownerReferences") if one.get("controller") is True)
    group, namespace = group_of(text_at(owner, "apiVersion")), text_at(body, "metadata", "namespace")
    return world.tx.get(ObjectRef(group, text_at(owner, "kind"), namespace, text_at(owner, "name")))


def _missing(world: World, pod: Body) -> tuple[str, str]:
    """Return what a pod refers to that does not exist, as (reason, message)."""
    if text_at(pod, "status", "phase") == "Running":
        return "", ""
    namespace = text_at(pod, "metadata", "namespace")
    for name in _claims(pod):
        claim = world.tx.get(ObjectRef("", "PersistentVolumeClaim", namespace, name))
        if claim is None:
            return "Unschedulable", f'0/1 nodes are available: persistentvolumeclaim "{name}" not found.'
        if text_at(claim, "status", "phase") != "Bound":
            words = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
            return "Unschedulable", words
    for kind, name in _mounted(pod):
        if world.tx.get(ObjectRef("", kind, namespace, name)) is None:
            words = f'MountVolume.SetUp failed for volume: {kind.lower()} "{name}" not found'
            return "Pending", words
    for kind, name in _environment(pod):
        if world.tx.get(ObjectRef("", kind, namespace, name)) is None:
            return "CreateContainerConfigError", f'{kind.lower()} "{name}" not found'
    return "", ""


def _claims(pod: Body) -> Iterator[str]:
    for volume in items_at(pod, "spec", "volumes"):
        if name := text_at(volume, "persistentVolumeClaim", "claimName"):
            yield name


def _mounted(pod: Body) -> Iterator[tuple[str, str]]:
    for volume in items_at(pod, "spec", "volumes"):
        for source in (volume, *items_at(volume, "projected", "sources")):
            name = text_at(source, "secret", "secretName") or text_at(source, "secret", "name")
            if name and value_at(source, "secret", "optional") is not True:
                yield "Secret", name
            name = text_at(source, "configMap", "name")
            if name and value_at(source, "configMap", "optional") is not True:
                yield "ConfigMap", name


def _environment(pod: Body) -> Iterator[tuple[str, str]]:
    containers = [*items_at(pod, "spec", "initContainers"), *items_at(pod, "spec", "containers")]
    for container in containers:
        sources = [mapping_at(one, "valueFrom") for one in items_at(container, "env")]
        for source in [*sources, *items_at(container, "envFrom")]:
            for field, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
                found = mapping_at(source, f"{field}KeyRef") or mapping_at(source, f"{field}Ref")
                if text_at(found, "name") and found.get("optional") is not True:
                    yield kind, text_at(found, "name")


def _timed(pod: Body, status: Tree, time: str, *, has_node: bool) -> Tree:
    """Keep the times of what did not change, and add those that a node gives once."""
    old = mapping_at(pod, "status")
    status["conditions"] = with_times(items_at(old, "conditions"), status["conditions"], time)
    for field in ("containerStatuses", "initContainerStatuses"):
        known = {text_at(one, "name"): one for one in items_at(old, field)}
        for one in status.get(field, ()):
            _keep_times(known.get(one["name"], {}), one)
    if has_node:
        status["startTime"] = text_at(old, "startTime") or time
        if status["phase"] != "Pending":
            status["podIP"] = text_at(old, "podIP") or _address(text_at(pod, "metadata", "uid"))
            status["podIPs"] = [{"ip": status["podIP"]}]
    return status


def _keep_times(old: Body, new: Tree) -> None:
    for field in ("state", "lastState"):
        before, after = mapping_at(old, field), new.get(field, {})
        for name, state in after.items():
            if before.keys() == after.keys() and old.get("restartCount") == new["restartCount"]:
                kept = mapping_at(before, name)
                state |= {key: kept[key] for key in ("startedAt", "finishedAt") if key in kept and key in state}


def _address(uid: str) -> str:
    number = int(hashlib.sha256(uid.encode()).hexdigest()[:4], 16)
    return f"10.244.{number // 250 % 250}.{number % 250 + 1}"
