"""Release records and locks on the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.model.cluster import Payload
from bundler.model.json import canonical_json
from bundler.model.refs import ObjectRef
from bundler.sandbox.client import SandboxClient
from tests.unit.storage.cases import LockCases, RealClock, StoreCases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.ports import Clock, ClusterClient


@pytest.fixture
def clock() -> Clock:
    return RealClock()


@pytest.fixture
def cluster(clock: Clock) -> Iterator[ClusterClient]:
    client = SandboxClient.open(None, clock)
    yield client
    client.close()


@pytest.fixture
def namespace(cluster: ClusterClient) -> str:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}}
    cluster.create(Payload(ref=ObjectRef("", "Namespace", "", "prod"), api_version="v1", content=canonical_json(body)))
    return "prod"


class TestStoreOnTheSandbox(StoreCases):
    """The cases of the store."""


class TestLockOnTheSandbox(LockCases):
    """The cases of the lock."""
