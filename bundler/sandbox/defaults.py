"""Defaults that selectors, list-map keys and controllers rely on; not the server's whole set. Layer: sandbox, pure.

Source: the values kube-apiserver 1.36 answers with for minimal objects.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING

from bundler.fields.kinds import kind_info, pod_spec_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bundler.sandbox.store import Tree

DEFAULT_STORAGE_CLASS = "standard"

_FIRST_STATUS: Mapping[tuple[str, str], Tree] = {
    ("", "Namespace"): {"phase": "Active"},
    ("", "PersistentVolumeClaim"): {"phase": "Pending"},
    ("", "Pod"): {"phase": "Pending"},
    ("", "Service"): {"loadBalancer": {}},
    ("apps", "DaemonSet"): dict.fromkeys(
        ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"), 0
    ),
    ("apps", "ReplicaSet"): {"replicas": 0},
    ("apps", "StatefulSet"): {"replicas": 0, "availableReplicas": 0},
    ("autoscaling", "HorizontalPodAutoscaler"): {"desiredReplicas": 0, "currentMetrics": None},
    ("networking.k8s.io", "Ingress"): {"loadBalancer": {}},
    ("policy", "PodDisruptionBudget"): dict.fromkeys(
        ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"), 0
    ),
}


def fill_defaults(group: str, kind: str, body: Tree, live: Tree | None) -> None:
    """Fill in what the server would, in place; ``live`` lends what was allocated before.

    Args:
        group: API group; empty for the core group.
        kind: of the object, such as ``Deployment``.
        body: changed in place.
        live: None for a new object.
    """
    fill = _BY_KIND.get((group, kind))
    if fill is not None:
        fill(body, live)
    path = pod_spec_path(group, kind)
    if path is None:
        return
    spec: Tree | None = body
    for step in path:
        spec = spec.get(step) if isinstance(spec, dict) else None
    if isinstance(spec, dict):
        _pod_spec(spec)


def initial_status(group: str, kind: str) -> Tree | None:
    """Return the status that a new object has before any controller saw it; None where the kind has none."""
    info = kind_info(group, kind)
    if info is None or not info.has_status:
        return None
    return dict(_FIRST_STATUS.get((group, kind), {}))


def _pod_spec(spec: Tree) -> None:
    for name in ("containers", "initContainers"):
        for container in spec.get(name) or ():
            for port in container.get("ports") or ():
                _fill(port, protocol="TCP")
    _fill(spec, restartPolicy="Always", terminationGracePeriodSeconds=30)


def _spec(body: Tree, **values: object) -> Tree:
    spec: Tree = body["spec"] if isinstance(body.get("spec"), dict) else {}
    body["spec"] = spec
    _fill(spec, **values)
    return spec


def _fill(fields: Tree, **values: object) -> None:
    """Fill in what is missing; a null or an empty text is as good as that."""
    for name, value in values.items():
        if fields.get(name) in (None, ""):
            fields[name] = value


def _rolling(spec: Tree, name: str, **values: object) -> None:
    """Fill in how pods are replaced: step by step, and with these numbers, where nothing else is said."""
    strategy = spec.setdefault(name, {})
    _fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = {**values, **strategy.get("rollingUpdate", {})}


def _deployment(body: Tree, _live: Tree | None) -> None:
    spec = _spec(body, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    _rolling(spec, "strategy", maxUnavailable="25%", maxSurge="25%")


def _stateful_set(body: Tree, _live: Tree | None) -> None:
    spec = _spec(body, replicas=1, podManagementPolicy="OrderedReady", revisionHistoryLimit=10)
    _rolling(spec, "updateStrategy", partition=0)
    for claim in spec.get("volumeClaimTemplates") or ():
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")
        _spec(claim, volumeMode="Filesystem")


def _daemon_set(body: Tree, _live: Tree | None) -> None:
    _rolling(_spec(body, revisionHistoryLimit=10), "updateStrategy", maxUnavailable=1, maxSurge=0)


def _replica_set(body: Tree, _live: Tree | None) -> None:
    _spec(body, replicas=1)


def _job(body: Tree, _live: Tree | None) -> None:
    spec = _spec(body, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    spec.setdefault("completions", 1)
    if spec.get("manualSelector"):
        return
    uid = body["metadata"]["uid"]
    labels = {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": body["metadata"]["name"]}
    spec.setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})
    template = spec.get("template")
    if isinstance(template, dict):
        metadata = template["metadata"] = template.get("metadata") or {}
        metadata["labels"] = {**(metadata.get("labels") or {}), **labels}


def _cron_job(body: Tree, _live: Tree | None) -> None:
    _spec(body, concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1)


def _service(body: Tree, live: Tree | None) -> None:
    spec = _spec(body, type="ClusterIP", sessionAffinity="None")
    for port in spec.get("ports") or ():
        _fill(port, protocol="TCP")
        if spec["type"] != "ExternalName" and not port.get("targetPort"):
            port["targetPort"] = port.get("port")
    if spec["type"] == "ExternalName":
        return
    kept: Tree = (live or {}).get("spec") or {}
    if not spec.get("clusterIP"):
        spec["clusterIP"] = kept.get("clusterIP") or _address(body["metadata"]["uid"])
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    if spec["type"] in ("NodePort", "LoadBalancer"):
        ports = {port.get("port"): port.get("nodePort") for port in kept.get("ports") or ()}
        for index, port in enumerate(spec.get("ports") or ()):
            port.setdefault("nodePort", ports.get(port.get("port")) or _node_port(body["metadata"]["uid"], index))


def _claim(body: Tree, live: Tree | None) -> None:
    spec = _spec(body, volumeMode="Filesystem")
    kept: Tree = (live or {}).get("spec") or {}
    spec.setdefault("storageClassName", kept.get("storageClassName") or DEFAULT_STORAGE_CLASS)
    if kept.get("volumeName"):
        spec.setdefault("volumeName", kept["volumeName"])
    finalizers = body["metadata"].setdefault("finalizers", [] if live else ["kubernetes.io/pvc-protection"])
    if not finalizers:
        del body["metadata"]["finalizers"]


def _secret(body: Tree, _live: Tree | None) -> None:
    _fill(body, type="Opaque")
    plain = body.pop("stringData", None)
    if plain:
        data = body["data"] = body.get("data") or {}
        data |= {key: b64encode(str(value).encode()).decode() for key, value in plain.items()}


def _namespace(body: Tree, _live: Tree | None) -> None:
    _spec(body, finalizers=["kubernetes"])
    labels = body["metadata"].setdefault("labels", {})
    labels.setdefault("kubernetes.io/metadata.name", body["metadata"]["name"])


def _autoscaler(body: Tree, _live: Tree | None) -> None:
    _spec(body, minReplicas=1)


def _crd(body: Tree, _live: Tree | None) -> None:
    spec = _spec(body, conversion={"strategy": "None"})
    names = spec.get("names") or {}
    kind = str(names.get("kind", ""))
    names.setdefault("singular", kind.lower())
    names.setdefault("listKind", f"{kind}List")


def _storage_class(body: Tree, _live: Tree | None) -> None:
    body.setdefault("reclaimPolicy", "Delete")
    body.setdefault("volumeBindingMode", "Immediate")


def _network_policy(body: Tree, _live: Tree | None) -> None:
    spec = _spec(body)
    spec.setdefault("podSelector", {})
    spec.setdefault("policyTypes", ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    for rule in (*(spec.get("ingress") or ()), *(spec.get("egress") or ())):
        for port in rule.get("ports") or ():
            port.setdefault("protocol", "TCP")


def _role_binding(body: Tree, _live: Tree | None) -> None:
    if isinstance(body.get("roleRef"), dict):
        _fill(body["roleRef"], apiGroup="rbac.authorization.k8s.io")


def _address(uid: str) -> str:
    number = int(hashlib.sha256(uid.encode()).hexdigest()[:4], 16)
    return f"10.96.{number // 254 % 254}.{number % 254 + 1}"


def _node_port(uid: str, index: int) -> int:
    return 30000 + int(hashlib.sha256(f"{uid}/{index}".encode()).hexdigest()[:6], 16) % 2768


_BY_KIND: Mapping[tuple[str, str], Callable[[Tree, Tree | None], None]] = {
    ("", "Namespace"): _namespace,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Secret"): _secret,
    ("", "Service"): _service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _crd,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "Deployment"): _deployment,
    ("apps", "ReplicaSet"): _replica_set,
    ("apps", "StatefulSet"): _stateful_set,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    ("batch", "CronJob"): _cron_job,
    ("batch", "Job"): _job,
    ("networking.k8s.io", "NetworkPolicy"): _network_policy,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _role_binding,
    ("rbac.authorization.k8s.io", "RoleBinding"): _role_binding,
    ("storage.k8s.io", "StorageClass"): _storage_class,
}
