"""StatefulSets: numbered pods with claims of their own. Layer: sandbox, pure over a store.

Source: Kubernetes, "StatefulSets" (ordering, update strategies); status as kube-controller-manager 1.36 writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import int_at, items_at, mapping_at, text_at
from bundler.model.refs import ObjectRef
from bundler.sandbox.controllers.replicas import available_pods, creation_problem
from bundler.sandbox.controllers.world import (
    controller_uid,
    is_leaving,
    is_pod_ready,
    owner_reference,
    pod_from,
    template_hash,
)
from bundler.sandbox.writes import thawed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.json import Body
    from bundler.sandbox.controllers.world import World
    from bundler.sandbox.store import Tree

WATCHED = frozenset({("apps", "StatefulSet"), ("", "Pod"), ("", "PersistentVolumeClaim"), ("", "ServiceAccount")})
REVISION_LABEL = "controller-revision-hash"


def run_stateful_sets(world: World) -> None:
    """Move every StatefulSet a step towards its template and its number of replicas."""
    for stateful_set in world.staying("apps", "StatefulSet"):
        _sync(world, stateful_set)


def _sync(world: World, stateful_set: Body) -> None:
    update = _keep_revision(world, stateful_set)
    _adopt(world, stateful_set)
    pods = {_ordinal(pod): pod for pod in world.owned(stateful_set, "", "Pod")}
    wanted = _ordinals(stateful_set)
    if not _fill(world, stateful_set, pods, wanted, update) and not _shrink(world, pods, wanted):
        _roll(world, stateful_set, pods, update)
    _write_status(world, stateful_set, update)


def _adopt(world: World, stateful_set: Body) -> None:
    """Take up the pods that a StatefulSet of this name left behind when it was deleted alone."""
    name, namespace = text_at(stateful_set, "metadata", "name"), text_at(stateful_set, "metadata", "namespace")
    labels = mapping_at(stateful_set, "spec", "selector", "matchLabels")
    for pod in world.labelled_pods(namespace, labels):
        stem, _, ordinal = text_at(pod, "metadata", "name").rpartition("-")
        is_member = (
            stem == name and ordinal.isdecimal() and labels.items() <= mapping_at(pod, "metadata", "labels").items()
        )
        if is_member and not is_leaving(pod) and not controller_uid(pod):
            made = thawed(pod)
            made["metadata"]["ownerReferences"] = [owner_reference(stateful_set)]
            world.update(pod, made)


def _keep_revision(world: World, stateful_set: Body) -> str:
    """Return the name of the revision that keeps its pod template; made where there is none."""
    template = mapping_at(stateful_set, "spec", "template")
    namespace, stem = text_at(stateful_set, "metadata", "namespace"), text_at(stateful_set, "metadata", "name")
    name = f"{stem}-{template_hash(template)}"
    if world.tx.get(ObjectRef("apps", "ControllerRevision", namespace, name)) is None:
        kept = world.owned(stateful_set, "apps", "ControllerRevision")
        metadata: Tree = {
            "name": name,
            "namespace": namespace,
            "labels": {**mapping_at(stateful_set, "spec", "selector", "matchLabels"), REVISION_LABEL: name},
            "ownerReferences": [owner_reference(stateful_set)],
        }
        revision = max((int_at(one, "revision") for one in kept), default=0) + 1
        body = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": metadata, "revision": revision}
        world.create("apps", "ControllerRevision", {**body, "data": {"spec": {"template": thawed(template)}}})
    return name


def _template_of(world: World, stateful_set: Body, revision: str) -> Body:
    ref = ObjectRef("apps", "ControllerRevision", text_at(stateful_set, "metadata", "namespace"), revision)
    kept = world.tx.get(ref)
    return mapping_at(kept or stateful_set, *(("data",) if kept else ()), "spec", "template")


def _ordinal(pod: Body) -> int:
    return int(text_at(pod, "metadata", "name").rpartition("-")[2])


def _ordinals(stateful_set: Body) -> range:
    """Return the numbers that its pods should have."""
    first = int_at(stateful_set, "spec", "ordinals", "start")
    return range(first, first + int_at(stateful_set, "spec", "replicas", default=1))


def _lowest_updated(stateful_set: Body) -> int:
    """Return from which number on pods have the new template: the partition counts from the first one."""
    partition = int_at(stateful_set, "spec", "updateStrategy", "rollingUpdate", "partition")
    return _ordinals(stateful_set).start + partition


def _is_parallel(stateful_set: Body) -> bool:
    return text_at(stateful_set, "spec", "podManagementPolicy") == "Parallel"


def _fill(world: World, stateful_set: Body, pods: Mapping[int, Body], wanted: range, update: str) -> bool:
    """Create what is missing, in order; return whether the set has to wait before it continues."""
    for ordinal in wanted:
        pod = pods.get(ordinal)
        if pod is None or text_at(pod, "status", "phase") in ("Failed", "Succeeded"):
            if pod is not None:
                world.delete(pod)
            elif problem := creation_problem(world, stateful_set):
                name = f"{text_at(stateful_set, 'metadata', 'name')}-{ordinal}"
                words = f"create Pod {name} in StatefulSet failed error: {problem}"
                world.warn(stateful_set, "FailedCreate", words, component="statefulset-controller")
                return True
            else:
                _make_pod(world, stateful_set, ordinal, update)
            if not _is_parallel(stateful_set):
                return True
        elif not _is_parallel(stateful_set) and (is_leaving(pod) or not is_pod_ready(pod)):
            # Even one of an old revision: Kubernetes documents this as "forced rollback", the user deletes such a pod.
            return True
    return False


def _make_pod(world: World, stateful_set: Body, ordinal: int, update: str) -> None:
    name = f"{text_at(stateful_set, 'metadata', 'name')}-{ordinal}"
    current = text_at(stateful_set, "status", "currentRevision") or update
    revision = current if ordinal < _lowest_updated(stateful_set) else update
    labels = {
        "apps.kubernetes.io/pod-index": str(ordinal),
        REVISION_LABEL: revision,
        "statefulset.kubernetes.io/pod-name": name,
    }
    pod = pod_from(_template_of(world, stateful_set, revision), stateful_set, name, labels)
    pod["spec"] |= {"hostname": name, "subdomain": text_at(stateful_set, "spec", "serviceName")}
    volumes = []
    for template in items_at(stateful_set, "spec", "volumeClaimTemplates"):
        volume = text_at(template, "metadata", "name")
        claim = f"{volume}-{name}"
        volumes.append({"name": volume, "persistentVolumeClaim": {"claimName": claim}})
        _make_claim(world, stateful_set, template, claim)
    pod["spec"]["volumes"] = [*(pod["spec"].get("volumes") or ()), *volumes]
    world.create("", "Pod", pod)


def _make_claim(world: World, stateful_set: Body, template: Body, name: str) -> None:
    namespace = text_at(stateful_set, "metadata", "namespace")
    if world.tx.get(ObjectRef("", "PersistentVolumeClaim", namespace, name)) is not None:
        return
    made = thawed(template)
    labels = mapping_at(stateful_set, "spec", "selector", "matchLabels")
    metadata: Tree = {"name": name, "namespace": namespace, "finalizers": ["kubernetes.io/pvc-protection"]}
    metadata["labels"] = {**(made["metadata"].get("labels") or {}), **labels}
    if made["metadata"].get("annotations"):
        metadata["annotations"] = made["metadata"]["annotations"]
    spec = {"storageClassName": "standard", "volumeMode": "Filesystem", **made["spec"]}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
    world.create("", "PersistentVolumeClaim", {**claim, "status": {"phase": "Pending"}})


def _shrink(world: World, pods: Mapping[int, Body], wanted: range) -> bool:
    """Delete the highest pod that is too many; return whether there was one."""
    surplus = [ordinal for ordinal in pods if ordinal not in wanted]
    if surplus:
        world.delete(pods[max(surplus)])
    return bool(surplus)


def _roll(world: World, stateful_set: Body, pods: Mapping[int, Body], update: str) -> None:
    """Delete the highest pod of an old revision; it comes back with the new one."""
    if text_at(stateful_set, "spec", "updateStrategy", "type") == "OnDelete":
        return
    for ordinal in reversed(range(_lowest_updated(stateful_set), _ordinals(stateful_set).stop)):
        pod = pods.get(ordinal)
        if pod is None:
            return  # It was made just now, and is waited for.
        if text_at(pod, "metadata", "labels", REVISION_LABEL) != update:
            world.delete(pod)
            return
        if not is_pod_ready(pod):
            return


def _write_status(world: World, stateful_set: Body, update: str) -> None:
    pods = [pod for pod in world.owned(stateful_set, "", "Pod") if not is_leaving(pod)]
    updated = [pod for pod in pods if text_at(pod, "metadata", "labels", REVISION_LABEL) == update]
    wanted = int_at(stateful_set, "spec", "replicas", default=1)
    ready = sum(is_pod_ready(pod) for pod in pods)
    is_rolled = len(updated) == len(pods) == wanted and sum(is_pod_ready(pod) for pod in updated) == wanted
    current = update if is_rolled else text_at(stateful_set, "status", "currentRevision") or update
    counts = {
        "readyReplicas": ready,
        "currentReplicas": sum(text_at(pod, "metadata", "labels", REVISION_LABEL) == current for pod in pods),
        "updatedReplicas": len(updated),
    }
    status: Tree = {
        "observedGeneration": int_at(stateful_set, "metadata", "generation"),
        "replicas": len(pods),
        **{key: value for key, value in counts.items() if value},
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": 0,
        "availableReplicas": len(available_pods(world, stateful_set, pods)),
    }
    world.set_status(stateful_set, status)
