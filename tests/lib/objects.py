"""Small Kubernetes objects for tests that talk to an API directly."""

from __future__ import annotations

from typing import Any


def pod_spec(image: str, **more: Any) -> dict[str, Any]:
    """Return a pod spec with one container named `main`."""
    return {"containers": [{"name": "main", "image": image}], **more}


def deployment(name: str, image: str, *, replicas: int = 1) -> dict[str, Any]:
    """Return a Deployment whose pods carry the label `app: NAME`."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": _workload(name, image, replicas),
    }


def daemon_set(name: str, image: str) -> dict[str, Any]:
    """Return a DaemonSet whose pods carry the label `app: NAME`."""
    spec = {key: value for key, value in _workload(name, image, 0).items() if key != "replicas"}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name}, "spec": spec}


def stateful_set(name: str, image: str, *, replicas: int = 1) -> dict[str, Any]:
    """Return a StatefulSet with one claim, `data`, per pod."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    spec = {
        **_workload(name, image, replicas),
        "serviceName": name,
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
    }
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": spec}


def job(name: str, image: str) -> dict[str, Any]:
    """Return a Job that gives up at the first failure."""
    spec = {"backoffLimit": 0, "template": {"spec": pod_spec(image, restartPolicy="Never")}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def pod(name: str, image: str, **more: Any) -> dict[str, Any]:
    """Return a bare Pod."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pod_spec(image, **more)}


def _workload(name: str, image: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    return {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod_spec(image)},
    }
