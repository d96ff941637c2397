"""Release records and locks on the sandbox."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bundler.errors.change import ReleaseLockedError
from bundler.model.cluster import Payload
from bundler.model.json import canonical_json
from bundler.model.refs import ObjectRef
from bundler.sandbox.client import SandboxClient
from bundler.storage.holder import boot_id, this_process
from bundler.storage.lock import LeaseLock
from tests.unit.storage.cases import LockCases, RealClock, StoreCases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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


HOLD = """
import sys, time
from pathlib import Path
from bundler.sandbox.client import SandboxClient
from bundler.storage.holder import this_process
from bundler.storage.lock import LeaseLock
from tests.unit.storage.cases import RealClock

clock = RealClock()
holder = this_process(user="ada", command="bundler upgrade", tool_version="1")
with LeaseLock(SandboxClient.open(Path(sys.argv[1]), clock), clock, holder, duration_s=3600).hold(
    "default", "shop", doing="upgrade", timeout_s=0
):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.skipif(not boot_id(), reason="this system does not name its boots")
def test_a_killed_process_of_this_machine_loses_its_lock_at_once(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "sandbox.db"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        client = SandboxClient.open(path, clock)
        lock = LeaseLock(client, clock, this_process(user="bob", command="", tool_version="1"))
        with pytest.raises(ReleaseLockedError), lock.hold("default", "shop", doing="upgrade", timeout_s=0):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    with lock.hold("default", "shop", doing="upgrade", timeout_s=0) as held:
        held.held()
    client.close()
