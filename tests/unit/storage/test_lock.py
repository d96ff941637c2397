"""How old a lock is, as its holder counts: from the moment a write was sent, since others may have seen it since then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.errors.cluster import AlreadyExistsError, ConflictError
from bundler.model.cluster import Payload
from bundler.model.json import canonical_json
from bundler.model.refs import ObjectRef
from bundler.sandbox.client import SandboxClient
from bundler.storage.lease import Claim, lease_ref
from bundler.storage.lock import CERTAIN_SHARE, LeaseLock
from tests.lib.clocks import FakeClock
from tests.lib.faulty import FaultyCluster
from tests.lib.sandboxes import closed_when_dropped
from tests.unit.storage.cases import holder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bundler.model.cluster import Answer
    from bundler.ports import HeldLock

DURATION_S = 30.0
LATE_S = 4.0
FRESH_S = DURATION_S * CERTAIN_SHARE


class SlowAnswers(FaultyCluster):
    """Does each write at once, and answers it seconds later."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(closed_when_dropped(SandboxClient.open(None, clock)))
        self._clock, self.late_s = clock, 0.0

    def create(self, payload: Payload, *, is_dry_run: bool = False) -> Answer:
        return self._late(lambda: super(SlowAnswers, self).create(payload, is_dry_run=is_dry_run))

    def replace(self, payload: Payload) -> Answer:
        return self._late(lambda: super(SlowAnswers, self).replace(payload))

    def _late(self, write: Callable[[], Answer]) -> Answer:
        try:
            return write()
        finally:
            self._clock.advance(self.late_s)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def cluster(clock: FakeClock) -> Iterator[SlowAnswers]:
    slow = SlowAnswers(clock)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}}
    slow.create(Payload(ref=ObjectRef("", "Namespace", "", "prod"), api_version="v1", content=canonical_json(body)))
    yield slow
    slow.inner.close()  # type: ignore[attr-defined]


def rest_after(cluster: SlowAnswers, clock: FakeClock, act: Callable[[HeldLock], None]) -> float:
    lock = LeaseLock(cluster, clock, holder(1), duration_s=DURATION_S)
    with lock.hold("prod", "shop", doing="upgrade", timeout_s=0) as held:
        act(held)
        return held.rest_s()


def test_a_lock_is_as_old_as_the_request_that_took_it(cluster: SlowAnswers, clock: FakeClock) -> None:
    cluster.late_s = LATE_S
    assert rest_after(cluster, clock, lambda _: None) == FRESH_S - LATE_S


def test_a_lock_whose_first_answer_was_lost_is_as_old_as_that_request(cluster: SlowAnswers, clock: FakeClock) -> None:
    cluster.late_s = LATE_S
    lost = AlreadyExistsError("creating", context=["the first attempt got through"], hint="-")
    cluster.fail_when(lambda call: call.verb == "create", after=lost)
    assert rest_after(cluster, clock, lambda _: None) == FRESH_S - LATE_S


def test_a_heartbeat_counts_from_its_request(cluster: SlowAnswers, clock: FakeClock) -> None:
    def beat(held: HeldLock) -> None:
        clock.advance(7)
        cluster.late_s = LATE_S
        held.confirm()

    assert rest_after(cluster, clock, beat) == FRESH_S - LATE_S


def test_a_heartbeat_written_after_a_conflict_counts_from_its_own_request(
    cluster: SlowAnswers, clock: FakeClock
) -> None:
    def beat(held: HeldLock) -> None:
        clock.advance(7)
        cluster.late_s = LATE_S
        touched = ConflictError("replacing", context=["the object has been modified"], hint="-")
        cluster.fail_when(lambda call: call.verb == "replace", before=touched)
        held.confirm()

    assert rest_after(cluster, clock, beat) == FRESH_S - LATE_S


def test_a_lock_that_was_waited_for_is_new(cluster: SlowAnswers, clock: FakeClock) -> None:
    dead = LeaseLock(cluster, clock, holder(2, pid=77), duration_s=DURATION_S)._take
    dead(lease_ref("prod", "shop"), Claim(release="shop", holder=holder(2), doing="", duration_s=30, token="x"), 0)
    clock.advance(DURATION_S + 1)
    assert rest_after(cluster, clock, lambda _: None) == FRESH_S
    assert clock.monotonic() >= 2 * DURATION_S
