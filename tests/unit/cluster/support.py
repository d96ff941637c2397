"""What the tests of bundler.cluster share: a clock that does not wait, clients of stub servers, payloads."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from bundler.cluster.client import HttpClusterClient
from bundler.cluster.kubeconfig import Blob, ClusterAccess, ClusterEntry, UserEntry
from bundler.http.client_config import ClientConfig
from bundler.model.cluster import Payload
from bundler.model.refs import ObjectRef
from tests.lib.stub_server import Say, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from bundler.model.events import Event

BUDGET_S = 600.0
OPENED: list[HttpClusterClient] = []
"""Clients that conftest.py closes after each test."""


class InstantClock:
    """Time that passes only while someone sleeps."""

    def __init__(self) -> None:
        self.start = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
        self.passed_s = 0.0
        self.pauses: list[float] = []

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.passed_s += seconds


def surroundings(
    clock: InstantClock | None = None,
    *,
    env: Mapping[str, str] | None = None,
    report: Callable[[Event], None] | None = None,
    budget_s: float = BUDGET_S,
    is_interactive: bool = False,
) -> ClientConfig:
    it = clock or InstantClock()
    return ClientConfig(
        env=env or {},
        clock=it,
        budget=lambda: budget_s - it.monotonic(),
        report=report or (lambda _: None),
        is_interactive=is_interactive,
    )


def access(server: str, *, user: UserEntry | None = None, **cluster: Any) -> ClusterAccess:
    return ClusterAccess(
        context="stub",
        namespace="shop",
        cluster=ClusterEntry(server=server, **cluster),
        user=user or UserEntry(name="ada", token="t0ken"),
    )


def client(
    server: str,
    *,
    clock: InstantClock | None = None,
    cache_dir: Path | None = None,
    user: UserEntry | None = None,
    authority: Path | None = None,
    proxy_url: str = "",
    **around: Any,
) -> HttpClusterClient:
    trust: dict[str, Any] = {"authority": Blob(file=authority)} if authority else {}
    opened = HttpClusterClient.open(
        access(server, user=user, proxy_url=proxy_url, **trust), surroundings(clock, **around), cache_dir=cache_dir
    )
    OPENED.append(opened)
    return opened


def aggregated(*groups: tuple[str, str, Mapping[str, str]]) -> dict[str, Any]:
    """Return an aggregated discovery document of (group, version, {plural: Kind}); all namespaced."""
    return {
        "kind": "APIGroupDiscoveryList",
        "items": [
            {
                "metadata": {"name": group},
                "versions": [
                    {
                        "version": version,
                        "resources": [
                            {
                                "resource": plural,
                                "responseKind": {"kind": kind},
                                "scope": "Cluster" if kind == "Namespace" else "Namespaced",
                                "verbs": ["get", "list", "patch"],
                            }
                            for plural, kind in kinds.items()
                        ],
                    }
                ],
            }
            for group, version, kinds in groups
        ],
    }


CORE = {"configmaps": "ConfigMap", "secrets": "Secret", "pods": "Pod", "namespaces": "Namespace"}
ROUTES: dict[str, Step] = {
    "/api": Say(body=aggregated(("", "v1", CORE))),
    "/apis": Say(body=aggregated(("apps", "v1", {"deployments": "Deployment"}))),
}


def payload(name: str = "a", data: object = None, *, kind: str = "ConfigMap") -> Payload:
    ref = ObjectRef("", kind, "shop", name)
    body = {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop"},
        "data": data or {"x": "1"},
    }
    return Payload(ref=ref, api_version="v1", content=json.dumps(body).encode())


def config_map(name: str = "a", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop", **metadata},
        "data": {"x": "1"},
    }


CONFIG_MAP = ObjectRef("", "ConfigMap", "shop", "a")
