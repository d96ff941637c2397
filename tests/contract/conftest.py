"""The clusters that the contract is checked against: the sandbox in memory and, where there is one, the real API."""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bundler.model.cluster import Answer, ListQuery, Payload
from bundler.model.json import canonical_json
from bundler.model.refs import ObjectRef, group_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bundler.model.json import Body
    from bundler.ports import ClusterClient
    from tests.lib.controlplane import ControlPlane

MERGE_PATCH = "application/merge-patch+json"
WAIT_S = 120.0
HASTE = 10
"""The sandbox's own clock is so much quicker."""


class RealClock:
    """The time of this machine; a contract with a real server cannot have another."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(slots=True, kw_only=True)
class Subject:
    """A cluster, a namespace in it that is ours alone, and the hands of someone else."""

    name: str
    client: ClusterClient
    namespace: str
    edit: Callable[..., Any]
    """edit(ref, merge_patch, manager="kubectl-edit", subresource=""): what another manager does."""
    haste: int = 1
    """How many seconds of its controllers pass in one of ours."""

    def ref(self, kind: str, name: str, group: str = "") -> ObjectRef:
        return ObjectRef(group, kind, self.namespace, name)

    def payload(self, body: Body, *, namespace: str | None = None, **parts: str) -> Payload:
        metadata: Any = body["metadata"]
        api_version = str(body["apiVersion"])
        where = self.namespace if namespace is None else namespace
        ref = ObjectRef(group_of(api_version), str(body["kind"]), where, metadata["name"])
        return Payload(ref=ref, api_version=api_version, content=canonical_json(body), **parts)

    def apply(self, body: Body, **options: Any) -> Answer:
        return self.client.apply(self.payload(body), **options)

    def create(self, body: Body, **options: Any) -> Answer:
        return self.client.create(self.payload(body), **options)

    def replace(self, body: Body, **options: Any) -> Answer:
        return self.client.replace(self.payload(body), **options)

    def get(self, kind: str, name: str, group: str = "") -> Any:
        return self.client.get(self.ref(kind, name, group))

    def list(self, kind: str, *, group: str = "", **selectors: Any) -> Any:
        return self.client.list(ListQuery(group=group, kind=kind, namespace=self.namespace, **selectors))

    def names(self, kind: str, **selectors: Any) -> list[str]:
        found = [str(one["metadata"]["name"]) for one in self.list(kind, **selectors).items]
        return sorted(name for name in found if name != "kube-root-ca.crt")

    def furnish(self) -> None:
        """Wait until pods can be made: the controller of namespaces comes a moment after the namespace."""
        self.wait("a default ServiceAccount", lambda: self.get("ServiceAccount", "default"))

    def wait(self, what: str, is_so: Callable[[], Any], *, timeout_s: float = WAIT_S) -> Any:
        end_s = time.monotonic() + timeout_s
        while not (found := is_so()):
            assert time.monotonic() < end_s, f"{what}: still not so after {timeout_s:g} s"
            time.sleep(0.05 / self.haste)
        return found


@pytest.fixture(params=["sandbox", pytest.param("real", marks=pytest.mark.controlplane)])
def cluster(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """A cluster and a fresh namespace."""
    subject = request.getfixturevalue(f"{request.param}_cluster")
    subject.namespace = f"contract-{uuid.uuid4().hex[:8]}"
    subject.client.apply(subject.payload(namespace_body(subject.namespace), namespace=""))
    yield subject
    subject.client.delete(ObjectRef("", "Namespace", "", subject.namespace))


@pytest.fixture(scope="session")
def sandbox_cluster() -> Iterator[Subject]:
    """The sandbox, in memory."""
    from tests.lib.clocks import QuickClock
    from tests.lib.sandboxes import open_sandbox

    client = open_sandbox(QuickClock(HASTE))
    yield Subject(name="sandbox", client=client, namespace="", edit=client.edit, haste=HASTE)
    client.close()


@pytest.fixture(scope="session")
def real_cluster(control_plane: ControlPlane) -> Iterator[Subject]:
    """A real API server, through the adapter that the command line uses."""
    from bundler.cluster.client import HttpClusterClient
    from bundler.cluster.kubeconfig import load_access
    from bundler.http.client_config import ClientConfig

    env = {**os.environ, "KUBECONFIG": str(control_plane.kubeconfig("admin"))}
    client = HttpClusterClient.open(
        load_access(env, home=Path.home()), ClientConfig(env=env, clock=RealClock(), budget=lambda: 20.0)
    )

    def edit(ref: ObjectRef, patch: Body, *, manager: str = "kubectl-edit", subresource: str = "") -> Any:
        served = client.resource_type(ref.group, ref.kind)
        assert served is not None
        root = f"/apis/{served.api_version}" if ref.group else f"/api/{served.version}"
        where = f"/namespaces/{ref.namespace}" if ref.namespace else ""
        below = f"/{subresource}" if subresource else ""
        path = f"{root}{where}/{served.plural}/{ref.name}{below}?fieldManager={manager}"
        return control_plane.api("PATCH", path, patch, content_type=MERGE_PATCH)

    yield Subject(name="real", client=client, namespace="", edit=edit)
    client.close()


def namespace_body(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
