"""Short ways to use a sandbox in tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bundler.model.cluster import ListQuery, Payload
from bundler.model.refs import ObjectRef, group_of

if TYPE_CHECKING:
    from bundler.sandbox.client import SandboxClient

NAMESPACE = "default"


def payload(body: dict[str, Any], namespace: str = NAMESPACE) -> Payload:
    ref = ObjectRef(group_of(body["apiVersion"]), body["kind"], namespace, body["metadata"]["name"])
    return Payload(ref=ref, api_version=body["apiVersion"], content=json.dumps(body).encode())


def apply(client: SandboxClient, *bodies: dict[str, Any]) -> None:
    for body in bodies:
        client.apply(payload(body))


def get(client: SandboxClient, kind: str, name: str, group: str = "") -> Any:
    return client.get(ObjectRef(group, kind, NAMESPACE, name))


def items(client: SandboxClient, kind: str, group: str = "", **selectors: Any) -> list[Any]:
    return list(client.list(ListQuery(group=group, kind=kind, namespace=NAMESPACE, **selectors)).items)


def names(client: SandboxClient, kind: str, group: str = "") -> list[str]:
    return [one["metadata"]["name"] for one in items(client, kind, group)]


def pods(client: SandboxClient, app: str) -> list[Any]:
    return items(client, "Pod", label_selector=f"app={app}")


def waiting_reasons(client: SandboxClient, app: str) -> set[str]:
    statuses = [one for pod in pods(client, app) for one in pod["status"].get("containerStatuses", ())]
    return {one["state"].get("waiting", {}).get("reason", "") for one in statuses}


def conditions(body: Any) -> dict[str, tuple[str, str]]:
    found = body.get("status", {}).get("conditions", ())
    return {one["type"]: (one["status"], one.get("reason", "")) for one in found}


def available(client: SandboxClient, name: str = "web") -> int:
    return int(get(client, "Deployment", name, "apps").get("status", {}).get("availableReplicas", 0))
