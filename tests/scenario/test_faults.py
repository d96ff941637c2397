"""Every write and every kind of read of a change fails once: the error is clean, and the same command again gets there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bundler import ReleaseRequest, RunOptions, Values
from bundler.errors import BundlerError
from bundler.errors.change import ReleaseNotFoundError, StalePlanError
from bundler.errors.cluster import ClusterError, ForbiddenError, UnavailableError
from bundler.sandbox.client import SandboxClient
from tests.lib.clocks import START, FakeClock
from tests.lib.faulty import MUTATING, FaultyCluster, that_differ
from tests.lib.menus import small_bundle
from tests.lib.operator import Operator
from tests.lib.sandboxes import closed_when_dropped
from tests.lib.sessions import session_on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bundler import ChangeResult, SavedPlan
    from bundler.model.redaction import Redactor
    from bundler.model.refs import ObjectRef
    from tests.lib.faulty import Call

OLD = {"extra": "true", "token": "a-token-of-24-characters"}
NEW = {"extra": "false", "step": "again", "text": "other", "autoscale": "true"}
NOBODY = 4_194_305
"""One more than any process id can be: the run that failed has ended."""
HELD_UP = "no route to host"
SAYS_WHAT_WAS_DONE = re.compile("written:|failed:|unclear|everything in the plan was carried out")


def unavailable() -> UnavailableError:
    return UnavailableError("asking the server", context=[HELD_UP], hint="look at the network, then run it again")


def unreadable() -> ClusterError:
    return ClusterError("asking the server", context=["the answer is not a JSON object"], hint="check the proxy")


def forbidden() -> ForbiddenError:
    return ForbiddenError("asking the server", context=["cannot do that"], hint="ask for a Role")


FAULTS = (unavailable, forbidden, unreadable)
"""What is left of any fault where the client ends: the server stayed away, refused, or something else answered."""


@dataclass(frozen=True)
class Change:
    """One verb that changes a release, in a place where that is possible."""

    run: Callable[[Place, Operator], ChangeResult | None]
    end: dict[str, object]
    """What there is once it is done."""
    before: Callable[[Place, Operator], object] = lambda place, one: one.install(place.menu, **OLD)
    """What happened before."""


@dataclass
class Place:
    """A sandbox in a file."""

    client: SandboxClient
    clock: FakeClock
    menu: Path
    plan: SavedPlan | None = None

    def request(self) -> ReleaseRequest:
        """Ask for what `upgrade` comes to."""
        values = {key: {"true": True, "false": False}.get(text, text) for key, text in NEW.items()}
        return ReleaseRequest(bundle=str(self.menu), release="shop", values=Values(data=values))

    def operator(self, cluster: object = None, **fields: object) -> Operator:
        return Operator(cluster or self.client, "prod", clock=self.clock, timeout_s=600, **fields)  # type: ignore[arg-type]

    def state(self) -> dict[str, object]:
        one = self.operator()
        config = one.live("ConfigMap", "shop-config")
        return {
            "text": config and config["data"]["text"],  # type: ignore[index, call-overload]
            "has_extra": one.live("ConfigMap", "shop-extra") is not None,
            "is_scaled": one.live("HorizontalPodAutoscaler", "shop-web", "autoscaling") is not None,
        }


def upgrade(place: Place, one: Operator) -> ChangeResult | None:
    return one.upgrade(place.menu, **NEW)


def apply_plan(place: Place, one: Operator) -> ChangeResult | None:
    """Carry out a plan that was saved before anything went wrong; once it is stale, a new one."""
    session = session_on(one.cluster, place.clock, "prod")
    options = RunOptions(lock_timeout_s=90.0)
    assert place.plan is not None
    try:
        return session.apply_plan(place.plan, options=options)
    except StalePlanError:
        return session.apply_plan(session.save_plan(place.request()), options=options)


def uninstall(_place: Place, one: Operator) -> ChangeResult | None:
    try:
        return one.uninstall()
    except ReleaseNotFoundError:
        return None


def install_twice(place: Place, one: Operator) -> None:
    one.install(place.menu, **OLD)
    one.upgrade(place.menu, **NEW)


OLD_END = {"text": "hello", "has_extra": True, "is_scaled": False}
NEW_END = {"text": "other", "has_extra": False, "is_scaled": True}
CHANGES = {
    "install": Change(lambda place, one: one.install(place.menu, **OLD), OLD_END, lambda _place, _one: None),
    "upgrade": Change(upgrade, NEW_END),
    "apply": Change(apply_plan, NEW_END),
    "rollback": Change(lambda _place, one: one.rollback(revision=1), OLD_END, install_twice),
    "uninstall": Change(uninstall, {"text": None, "has_extra": False, "is_scaled": False}),
}


@pytest.fixture(params=CHANGES)
def change(request: pytest.FixtureRequest) -> Change:
    return CHANGES[request.param]


@pytest.fixture
def make_place(tmp_path: Path, change: Change) -> Callable[[], Place]:
    menu = small_bundle(tmp_path)
    path = tmp_path / "installed.db"
    clock = FakeClock()
    first = Place(closed_when_dropped(SandboxClient.open(path, clock)), clock, menu)
    change.before(first, first.operator())
    session = session_on(first.client, clock, "prod")
    plan = session.save_plan(first.request()) if change.run is apply_plan else None
    first.client.close()
    installed = path.read_bytes()

    def make() -> Place:
        now = tmp_path / "now.db"
        now.write_bytes(installed)
        clock = FakeClock(START + timedelta(hours=1))
        return Place(closed_when_dropped(SandboxClient.open(now, clock)), clock, menu, plan)

    return make


def every_call(_verb: str, _is_dry_run: bool) -> bool:
    return True


def writes_alone(verb: str, is_dry_run: bool) -> bool:
    return verb in MUTATING and not is_dry_run


def calls_of(place: Place, change: Change, counts: Callable[[str, bool], bool]) -> list[Call]:
    cluster = FaultyCluster(place.client, counts=counts)
    change.run(place, place.operator(cluster))
    assert place.state() == change.end
    place.client.close()
    return cluster.calls


def check_clean(error: BundlerError, redactor: Redactor, calls: Sequence[Call]) -> None:
    assert error.context
    assert error.hint
    assert str(error)
    text = redactor.redact("\n".join([str(error), *error.context]))
    assert OLD["token"] not in text
    written = [call.ref for call in calls[:-1] if writes_alone(call.verb, call.is_dry_run) and is_object(call.ref)]
    assert not written or SAYS_WHAT_WAS_DONE.search(text), (written, text)


def is_object(ref: ObjectRef | None) -> bool:
    """Return whether a write is of an object of the bundle: no lock, no record, no namespace."""
    return ref is not None and ref.kind not in {"Lease", "Namespace"} and not ref.name.startswith("bundler.")


def check_converged(place: Place, change: Change) -> None:
    operator = place.operator()
    result = change.run(place, operator)
    assert place.state() == change.end
    if result is not None and result.revision is not None:  # else it took no lock, and looked at none
        assert operator.live("Lease", "bundler.shop", "coordination.k8s.io") is None
    statuses = operator.statuses()
    if change is not CHANGES["uninstall"]:
        assert statuses[-1] == "deployed"
        assert set(statuses[:-1]) <= {"superseded", "failed", "interrupted"}
    else:
        assert statuses == []


def fail_and_repeat(
    place: Place, change: Change, number: int, counts: Callable[[str, bool], bool], **fault: BundlerError
) -> bool:
    """Fail one call; return whether the run noticed."""
    cluster = FaultyCluster(place.client, counts=counts)
    cluster.fail_at(number, **fault)  # type: ignore[arg-type]
    operator = place.operator(cluster, pid=NOBODY)
    noticed = False
    try:
        change.run(place, operator)
    except BundlerError as error:
        noticed = True
        check_clean(error, operator.redactor, cluster.calls)
    assert len(cluster.calls) >= number
    check_converged(place, change)
    if number % 10 == 0 and change is not CHANGES["uninstall"]:
        assert place.operator().install(place.menu).revision is None, "and then nothing is left to do"
    place.client.close()
    return noticed


@pytest.mark.slow
def test_a_change_whose_nth_call_fails_can_simply_be_repeated(make_place: Callable[[], Place], change: Change) -> None:
    numbers = that_differ(calls_of(make_place(), change, every_call))
    assert len(numbers) > 25
    noticed = [
        fail_and_repeat(make_place(), change, number, every_call, before=FAULTS[turn % len(FAULTS)]())
        for turn, number in enumerate(numbers)
    ]
    assert sum(noticed) > len(numbers) * 0.7


@pytest.mark.slow
def test_a_change_whose_nth_write_is_not_answered_can_simply_be_repeated(
    make_place: Callable[[], Place], change: Change
) -> None:
    # A read without an answer has changed nothing; it is a call that fails.
    writes = len(calls_of(make_place(), change, writes_alone))
    noticed = [
        fail_and_repeat(make_place(), change, number, writes_alone, after=unavailable().unclear())
        for number in range(1, writes + 1)
    ]
    assert sum(noticed) > writes * 0.7


@pytest.mark.parametrize("change", ["upgrade"], indirect=True)
def test_a_server_that_stays_away_ends_the_run_and_the_next_run_takes_it_up(
    make_place: Callable[[], Place], change: Change
) -> None:
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
    check_converged(place, change)
    assert place.operator().statuses() == ["superseded", "interrupted", "deployed"]
    place.client.close()
