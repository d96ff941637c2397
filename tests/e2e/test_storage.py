"""Release records and locks on a real API server."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bundler.cluster.client import HttpClusterClient
from bundler.cluster.kubeconfig import load_access
from bundler.errors.change import RecordTooLargeError
from bundler.errors.cluster import ForbiddenError
from bundler.http.client_config import ClientConfig
from bundler.storage.lock import LeaseLock
from bundler.storage.secrets import SecretReleaseStore
from tests.unit.storage.builders import make_revision
from tests.unit.storage.cases import LockCases, RealClock, StoreCases, holder, in_namespace, secrets_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.ports import Clock, ClusterClient
    from tests.lib.controlplane import ControlPlane


@pytest.fixture
def clock() -> Clock:
    return RealClock()


def client_of(control_plane: ControlPlane, user: str, clock: Clock) -> HttpClusterClient:
    env = {**os.environ, "KUBECONFIG": str(control_plane.kubeconfig(user))}
    access = load_access(env, home=Path.home())
    return HttpClusterClient.open(access, ClientConfig(env=env, clock=clock, budget=lambda: 30.0))


@pytest.fixture
def cluster(control_plane: ControlPlane, clock: Clock) -> Iterator[ClusterClient]:
    client = client_of(control_plane, "admin", clock)
    yield client
    client.close()


class TestStoreOnARealServer(StoreCases):
    """The cases of the store."""


class TestLockOnARealServer(LockCases):
    """The cases of the lock."""


def test_a_quota_that_refuses_the_record_leaves_nothing(
    control_plane: ControlPlane, cluster: ClusterClient, clock: Clock, namespace: str
) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "team"},
        "spec": {"hard": {"count/secrets": "2"}},
    }
    control_plane.api("POST", f"/api/v1/namespaces/{namespace}/resourcequotas", quota)
    deadline_s = clock.monotonic() + 120
    while clock.monotonic() < deadline_s:
        found = control_plane.api("GET", f"/api/v1/namespaces/{namespace}/resourcequotas/team")
        if "hard" in json.loads(json.dumps(found)).get("status", {}):
            break
        clock.sleep(0.1)
    with pytest.raises(RecordTooLargeError) as caught:
        SecretReleaseStore(cluster, clock).save(in_namespace(make_revision(), namespace))
    assert "needs 3 Secrets" in caught.value.context[0]
    assert "team" in " ".join(caught.value.context)
    assert secrets_in(cluster, namespace) == {}


def test_a_namespaced_role_is_enough(control_plane: ControlPlane, clock: Clock, namespace: str) -> None:
    control_plane.grant_namespace_deployer(namespace)
    client = client_of(control_plane, "deployer", clock)
    store = SecretReleaseStore(client, clock)
    with LeaseLock(client, clock, holder()).hold(namespace, "shop", doing="install", timeout_s=0) as held:
        held.held()
        saved = store.save(in_namespace(make_revision(), namespace))
    assert store.summaries(namespace=namespace) == (saved.summary,)
    store.erase(namespace, "shop")
    client.close()


def test_a_stranger_is_told_what_is_missing(control_plane: ControlPlane, clock: Clock, namespace: str) -> None:
    client = client_of(control_plane, "stranger", clock)
    with pytest.raises(ForbiddenError):
        SecretReleaseStore(client, clock).save(in_namespace(make_revision(), namespace))
    with (
        pytest.raises(ForbiddenError),
        LeaseLock(client, clock, holder()).hold(namespace, "shop", doing="x", timeout_s=0),
    ):
        pass
    client.close()
