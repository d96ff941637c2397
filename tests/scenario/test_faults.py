"""Every single call of a change fails once: the error is clean, and running the same command again gets there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bundler.errors import BundlerError
from bundler.errors.cluster import ForbiddenError, UnavailableError
from bundler.sandbox.client import SandboxClient
from tests.lib.clocks import START, FakeClock
from tests.lib.faulty import MUTATING, FaultyCluster
from tests.lib.menus import small_bundle
from tests.lib.operator import Operator
from tests.lib.sandboxes import closed_when_dropped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bundler.model.redaction import Redactor

OLD = {"extra": "true", "token": "a-token-of-24-characters"}
NEW = {"extra": "false", "step": "again", "text": "other", "autoscale": "true"}
NOBODY = 4_194_305
"""One more than any process id can be: the run that failed has ended."""
HELD_UP = "no route to host"


def unavailable() -> UnavailableError:
    return UnavailableError("asking the server", context=[HELD_UP], hint="look at the network, then run it again")


def forbidden() -> ForbiddenError:
    return ForbiddenError("asking the server", context=["cannot do that"], hint="ask for a Role")


@dataclass
class Place:
    """A sandbox in a file, where a release is installed already."""

    client: SandboxClient
    clock: FakeClock
    menu: Path

    def operator(self, cluster: object = None, **fields: object) -> Operator:
        return Operator(cluster or self.client, "prod", clock=self.clock, timeout_s=600, **fields)  # type: ignore[arg-type]


@pytest.fixture
def make_place(tmp_path: Path) -> Callable[[], Place]:
    menu = small_bundle(tmp_path)
    path = tmp_path / "installed.db"
    clock = FakeClock()
    first = Place(closed_when_dropped(SandboxClient.open(path, clock)), clock, menu)
    first.operator().install(menu, **OLD)
    first.client.close()
    installed = path.read_bytes()

    def make() -> Place:
        now = tmp_path / "now.db"
        now.write_bytes(installed)
        clock = FakeClock(START + timedelta(hours=1))
        return Place(closed_when_dropped(SandboxClient.open(now, clock)), clock, menu)

    return make


def every_call(_verb: str, _is_dry_run: bool) -> bool:
    return True


def count_calls(place: Place, counts: Callable[[str, bool], bool]) -> int:
    cluster = FaultyCluster(place.client, counts=counts)
    place.operator(cluster).upgrade(place.menu, **NEW)
    place.client.close()
    return len(cluster.calls)


def check_clean(error: BundlerError, redactor: Redactor) -> None:
    assert error.context
    assert error.hint
    assert str(error)
    text = redactor.redact("\n".join([str(error), *error.context]))
    assert OLD["token"] not in text


def check_converged(place: Place) -> None:
    operator = place.operator()
    result = operator.upgrade(place.menu, **NEW)
    statuses = operator.statuses()
    assert statuses[0] == "superseded"
    assert statuses[-1] == "deployed"
    assert set(statuses[1:-1]) <= {"failed", "interrupted"}
    assert operator.live("ConfigMap", "shop-config")["data"] == {"text": "other"}  # type: ignore[index]
    assert operator.live("ConfigMap", "shop-extra") is None
    assert operator.live("HorizontalPodAutoscaler", "shop-web", "autoscaling") is not None
    if result.revision is not None:
        assert operator.live("Lease", "bundler.shop", "coordination.k8s.io") is None
    assert operator.install(place.menu).revision is None, "and then nothing is left to do"


def fail_and_repeat(place: Place, number: int, counts: Callable[[str, bool], bool], **fault: BundlerError) -> bool:
    """Fail one call; return whether the run noticed."""
    cluster = FaultyCluster(place.client, counts=counts)
    cluster.fail_at(number, **fault)  # type: ignore[arg-type]
    operator = place.operator(cluster, pid=NOBODY)
    noticed = False
    try:
        operator.upgrade(place.menu, **NEW)
    except BundlerError as error:
        noticed = True
        check_clean(error, operator.redactor)
        if operator.statuses()[-1] in {"deployed", "superseded"}:
            assert operator.live("ConfigMap", "shop-config")["data"] in ({"text": "hello"}, {"text": "other"})  # type: ignore[index]
    assert len(cluster.calls) >= number
    check_converged(place)
    place.client.close()
    return noticed


def writes_alone(verb: str, is_dry_run: bool) -> bool:
    return verb in MUTATING and not is_dry_run


@pytest.mark.slow
def test_an_upgrade_whose_nth_call_fails_can_simply_be_repeated(make_place: Callable[[], Place]) -> None:
    calls = count_calls(make_place(), every_call)
    assert calls > 60
    noticed = [
        fail_and_repeat(make_place(), number, every_call, before=unavailable()) for number in range(1, calls + 1)
    ]
    assert sum(noticed) > calls * 0.8


@pytest.mark.slow
def test_an_upgrade_whose_nth_write_is_not_answered_can_simply_be_repeated(make_place: Callable[[], Place]) -> None:
    # A read without an answer has changed nothing; it is a call that fails.
    writes = count_calls(make_place(), writes_alone)
    noticed = [
        fail_and_repeat(make_place(), number, writes_alone, after=unavailable()) for number in range(1, writes + 1)
    ]
    assert sum(noticed) > writes * 0.8


@pytest.mark.slow
def test_an_upgrade_whose_nth_write_is_refused_can_simply_be_repeated(make_place: Callable[[], Place]) -> None:
    writes = count_calls(make_place(), writes_alone)
    for number in range(1, writes + 1):
        fail_and_repeat(make_place(), number, writes_alone, before=forbidden())


def test_a_server_that_stays_away_ends_the_run_and_the_next_run_takes_it_up(make_place: Callable[[], Place]) -> None:
    place = make_place()
    cluster = FaultyCluster(place.client, counts=every_call)
    applied: list[str] = []

    def is_late(call: object) -> bool:
        if getattr(call, "verb", "") == "apply" and not getattr(call, "is_dry_run", True):
            applied.append("x")
        return len(applied) > 1

    cluster.fail_when(is_late, before=unavailable(), is_lasting=True)
    with pytest.raises(UnavailableError) as raised:
        place.operator(cluster, pid=NOBODY).upgrade(place.menu, **NEW)
    assert HELD_UP in raised.value.context
    assert place.operator().statuses() == ["deployed", "pending-upgrade"], "no one could write what became of it"
    lease = place.operator().live("Lease", "bundler.shop", "coordination.k8s.io")
    assert lease is not None
    check_converged(place)
    assert place.operator().statuses() == ["superseded", "interrupted", "deployed"]
    place.client.close()
