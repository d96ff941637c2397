"""Writes of a run that holds a lock: each try begins and ends while the lock is certainly held."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from bundler.errors.change import LockLostError
from bundler.errors.cluster import UnavailableError
from tests.lib.clocks import SOON_S
from tests.lib.stub_server import HangUp, Reset, Say, Step, StubServer, status
from tests.unit.cluster.support import CONFIG_MAP, ROUTES, client, config_map, payload

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.cluster.client import HttpClusterClient
    from tests.lib.stub_server import Got

OK = Say(body=config_map(resourceVersion="1"))


class Lease:
    """A lock that is lost when told so, or after some real seconds without a heartbeat."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds, self._renewed_s = seconds, time.monotonic()
        self.is_lost = False

    def renew(self) -> None:
        self._renewed_s = time.monotonic()

    def rest_s(self) -> float:
        return 0.0 if self.is_lost else max(0.0, self._renewed_s + self._seconds - time.monotonic())

    def held(self) -> None:
        if self.rest_s() <= 0:
            raise LockLostError("holding", context=["another run holds it"], hint="-")

    def confirm(self) -> None:
        self.held()


WRITES: dict[str, Callable[[HttpClusterClient], object]] = {
    "apply": lambda cluster: cluster.apply(payload()),
    "create": lambda cluster: cluster.create(payload()),
    "replace": lambda cluster: cluster.replace(payload()),
    "delete": lambda cluster: cluster.delete(CONFIG_MAP),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("failure", [status(503, "no"), Reset(), HangUp()], ids=["503", "reset", "hang-up"])
def test_no_try_follows_once_the_lock_is_lost(write: Callable[[HttpClusterClient], object], failure: Step) -> None:
    lease = Lease()

    def lose(_: Got) -> Step:
        lease.is_lost = True
        return failure

    with StubServer([lose, OK], routes=ROUTES) as server:
        cluster = client(server.url).guarded(lease)
        with pytest.raises(LockLostError) as caught:
            write(cluster)
    assert len(server.seen) == 1
    assert caught.value.is_unclear


def test_not_even_on_a_connection_that_was_kept() -> None:
    lease = Lease()

    def lose(_: Got) -> Step:
        lease.is_lost = True
        return HangUp()

    with StubServer([OK, lose, OK], routes=ROUTES) as server:
        cluster = client(server.url).guarded(lease)
        cluster.get(CONFIG_MAP)
        with pytest.raises(LockLostError):
            cluster.apply(payload())
    assert len(server.seen) == 2


@pytest.mark.medium
def test_a_write_under_way_ends_before_the_lock_could_be_lost() -> None:
    lease = Lease(1.0)
    with StubServer([Say(body=config_map(), delay_s=120)], routes=ROUTES) as server:
        cluster = client(server.url).guarded(lease)
        cluster.resource_types()
        began_s = time.monotonic()
        lease.renew()
        with pytest.raises(LockLostError) as caught:
            cluster.apply(payload())
    assert 0.5 < time.monotonic() - began_s < SOON_S
    assert caught.value.is_unclear


@pytest.mark.medium
def test_a_write_under_way_goes_on_while_heartbeats_are_written() -> None:
    lease = Lease(1.5)

    def beat(_: Got) -> Step:
        for _ in range(4):
            time.sleep(0.4)
            lease.renew()
        return OK

    with StubServer([beat], routes=ROUTES) as server:
        cluster = client(server.url).guarded(lease)
        cluster.resource_types()
        lease.renew()
        assert cluster.apply(payload()).body["kind"] == "ConfigMap"
    assert len(server.seen) == 1


def test_reads_and_dry_runs_need_no_lock() -> None:
    lease = Lease()
    lease.is_lost = True
    with StubServer([OK], routes=ROUTES) as server:
        cluster = client(server.url).guarded(lease)
        assert cluster.get(CONFIG_MAP) is not None
        cluster.apply(payload(), is_dry_run=True)
        with pytest.raises(LockLostError) as caught:
            cluster.apply(payload())
    assert len(server.seen) == 2
    assert not caught.value.is_unclear


def test_other_clients_of_the_same_server_need_no_lock() -> None:
    lease = Lease()
    lease.is_lost = True
    with StubServer([OK], routes=ROUTES) as server:
        cluster = client(server.url)
        cluster.guarded(lease)
        cluster.replace(payload())
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("failure", "is_unclear"), [(status(503, "no"), True), (status(429, "no"), False)], ids=["503", "429"]
)
def test_a_write_that_is_given_up_says_whether_it_may_have_arrived(failure: Step, is_unclear: bool) -> None:
    with StubServer([failure], routes=ROUTES) as server, pytest.raises(UnavailableError) as caught:
        client(server.url, budget_s=1).apply(payload())
    assert caught.value.is_unclear is is_unclear
