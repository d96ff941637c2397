"""Short ways to say manifests and live objects in tests of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bundler.model.labels import RELEASE_UID
from bundler.model.manifest import Manifest, Source
from bundler.model.names import release_uid
from bundler.model.refs import ObjectRef, group_of

if TYPE_CHECKING:
    from bundler.model.json import Body

NAMESPACE = "shop"
UID = release_uid(NAMESPACE, "shop")


def body_of(kind: str, name: str, api_version: str = "v1", namespace: str = NAMESPACE, **fields: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    metadata |= fields.pop("metadata", {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def manifest(
    kind: str,
    name: str,
    api_version: str = "v1",
    *,
    namespace: str = NAMESPACE,
    component: str = "",
    line: int = 1,
    **fields: Any,
) -> Manifest:
    body = body_of(kind, name, api_version, namespace, **fields)
    return Manifest(
        ref=ObjectRef(group_of(api_version), kind, namespace, name),
        api_version=api_version,
        body=body,
        source=Source(f"templates/{name}.yaml", line),
        component=component,
    )


def live_of(one: Manifest, *, uid: str = "live-1", owner: str = UID, **changes: Any) -> dict[str, Any]:
    """The object as a server would return it after bundler applied it."""
    metadata = dict(one.body["metadata"])  # type: ignore[arg-type, call-overload]
    labels = {**metadata.get("labels", {}), **({RELEASE_UID: owner} if owner else {})}
    metadata |= {"uid": uid, "resourceVersion": "7", "labels": labels} if labels else {"uid": uid}
    return {**one.body, "metadata": metadata, **changes}


def deployment(name: str = "web", *, replicas: int = 1, component: str = "", image: str = "web:1") -> Manifest:
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": image}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pod}
    return manifest("Deployment", name, "apps/v1", component=component, spec=spec)


def autoscaler(target: str = "web", *, lowest: int = 2) -> Manifest:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    spec = {"scaleTargetRef": reference, "minReplicas": lowest, "maxReplicas": 9}
    return manifest("HorizontalPodAutoscaler", target, "autoscaling/v2", spec=spec)


def named(body: Body) -> str:
    return str(body["metadata"]["name"])  # type: ignore[index, call-overload]
