"""Death between any two writes of a rollback, of one that a failed upgrade ends with, and of an uninstall; sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.errors import BundlerError
from bundler.errors.change import ReleaseNotFoundError, RolledBackError
from bundler.errors.cluster import RejectedError
from bundler.model.cluster import ListQuery
from bundler.sandbox.client import SandboxClient
from tests.lib.clocks import FakeClock
from tests.lib.dying import DeathError, DyingCluster, deaths, deaths_of_each_kind
from tests.lib.faulty import FaultyCluster
from tests.lib.menus import small_bundle
from tests.lib.operator import Operator
from tests.lib.sandboxes import closed_when_dropped, open_sandbox
from tests.scenario.conftest import create_as_kubectl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from bundler.model.json import Body

pytestmark = pytest.mark.slow

NOBODY = 4_194_305
"""One more than any process id can be: the process that held the lock is gone."""
Act = "Callable[[Operator], object]"


@pytest.fixture
def make_operator(tmp_path: Path) -> Callable[..., Operator]:
    """Return a maker of operators: with a cluster, on that one; without, on a fresh copy of two revisions."""
    menu, path = small_bundle(tmp_path), tmp_path / "two.db"
    clock = FakeClock()
    client = closed_when_dropped(SandboxClient.open(path, clock))
    first = Operator(client, "prod", clock=clock, timeout_s=600)
    first.install(menu, extra="true", text="one", token="a-token-of-24-characters")
    first.install(menu, extra="false", text="two", step="again")
    client.close()
    content = path.read_bytes()
    opened: list[SandboxClient] = []

    def make() -> Operator:
        while opened:
            opened.pop().close()
        now = tmp_path / "now.db"
        now.write_bytes(content)
        clock = FakeClock()
        opened.append(closed_when_dropped(SandboxClient.open(now, clock)))
        return Operator(opened[0], "prod", clock=clock, timeout_s=600)

    return make


def dying(operator: Operator, number: int, *, is_after: bool = False) -> tuple[Operator, DyingCluster]:
    """Return another operator on the same cluster, who dies at a write."""
    cluster = DyingCluster(operator.cluster, number=number, is_after=is_after)
    return Operator(cluster, "prod", clock=operator.clock, timeout_s=600, pid=NOBODY), cluster  # type: ignore[arg-type]


def deaths_in(
    make_operator: Callable[..., Operator], act: Callable[[Operator], object], *, of_each_kind: bool = False
) -> Iterable[tuple[int, bool]]:
    doomed, cluster = dying(make_operator(), 0)
    act(doomed)
    return deaths_of_each_kind(cluster.writes) if of_each_kind else deaths(cluster.writes)


def data(operator: Operator, kind: str, name: str) -> Body | None:
    found = operator.live(kind, name)
    return None if found is None else found["data"]  # type: ignore[return-value]


def records(operator: Operator) -> list[object]:
    """Return the names of all Secrets of the record: heads, packs, sensitive leaves."""
    query = ListQuery(group="", kind="Secret", namespace="prod", label_selector="bundler.dev/record")
    return [item["metadata"]["name"] for item in operator.cluster.list(query).items]  # type: ignore[index,call-overload]


@pytest.mark.parametrize("revision", [1, 0], ids=["to a number", "without a number"])
def test_a_rollback_that_dies_anywhere_goes_on_when_it_is_repeated(
    make_operator: Callable[..., Operator], revision: int
) -> None:
    def act(operator: Operator) -> object:
        return operator.rollback(revision=revision)

    for number, is_after in deaths_in(make_operator, act):
        operator = make_operator()
        doomed, _ = dying(operator, number, is_after=is_after)
        with pytest.raises(DeathError):
            act(doomed)
        if not revision and operator.statuses() == ["superseded", "superseded", "deployed"]:
            continue  # it was done; another one goes back from there
        act(operator)
        statuses = operator.statuses()
        assert statuses[:2] == ["superseded", "superseded"], (number, is_after)
        assert statuses[-1] == "deployed"
        assert set(statuses[2:-1]) <= {"interrupted", "superseded"}
        assert data(operator, "ConfigMap", "shop-config") == {"text": "one"}
        assert data(operator, "ConfigMap", "shop-extra") == {"more": "yes"}
        assert data(operator, "Secret", "shop-token") == {"token": "YS10b2tlbi1vZi0yNC1jaGFyYWN0ZXJz"}


def cut_off(operator: Operator, revision: int) -> None:
    """Begin a rollback, and die in the middle of it."""
    doomed, _ = dying(operator, 6)
    with pytest.raises(DeathError):
        doomed.rollback(revision=revision)
    assert operator.statuses()[-1] == "pending-rollback"


def test_a_rollback_that_failed_goes_where_it_was_going_when_it_is_repeated(
    make_operator: Callable[..., Operator],
) -> None:
    operator = make_operator()
    cluster = FaultyCluster(operator.cluster)  # type: ignore[arg-type]
    cluster.fail_when(
        lambda call: call.verb == "apply" and not call.is_dry_run and call.ref.name == "shop-config",
        before=RejectedError("applying", context=["not today"], hint="try again"),
    )
    with pytest.raises(BundlerError):
        Operator(cluster, "prod", clock=operator.clock, timeout_s=600).rollback()  # type: ignore[arg-type]
    assert operator.statuses()[-1] == "failed"
    operator.rollback()
    assert data(operator, "ConfigMap", "shop-config") == {"text": "one"}


def test_after_a_rollback_to_a_number_that_was_cut_off_the_next_one_returns_to_what_ran(
    make_operator: Callable[..., Operator], tmp_path: Path
) -> None:
    operator = make_operator()
    (tmp_path / "three").mkdir()
    operator.install(small_bundle(tmp_path / "three"), extra="false", text="three", step="again")
    cut_off(operator, 1)
    operator.rollback()
    assert data(operator, "ConfigMap", "shop-config") == {"text": "three"}


def test_the_rollback_of_a_failed_upgrade_that_dies_anywhere_converges_when_the_upgrade_is_repeated(
    tmp_path: Path,
) -> None:
    menu = small_bundle(tmp_path)
    bad = {"image": "docker.io/library/broken:1", "text": "bad", "step": "again", "extra": "false"}

    def installed() -> Operator:
        clock = FakeClock()
        operator = Operator(open_sandbox(clock), "prod", clock=clock, timeout_s=600)
        operator.install(menu, extra="true", text="one", token="a-token-of-24-characters")
        return operator

    def act(operator: Operator) -> None:
        with pytest.raises(RolledBackError):
            operator.upgrade(menu, request={"rollback_s": 60.0}, **bad)

    # An upgrade that dies before it has written all is a failed one's beginning, and dies anywhere in `test_faults.py`.
    late = [(number, is_after) for number, is_after in deaths_in(installed, act) if number > 6]
    assert len(late) > 10
    for number, is_after in late:
        operator = installed()
        doomed, _ = dying(operator, number, is_after=is_after)
        with pytest.raises(DeathError):
            doomed.upgrade(menu, request={"rollback_s": 60.0}, **bad)
        act(operator)
        statuses = operator.statuses()
        assert (statuses[0], statuses[-2:]) == ("superseded", ["failed", "deployed"]), (number, is_after, statuses)
        assert len(statuses) <= 5
        assert set(statuses[1:-2]) <= {"interrupted", "failed", "superseded"}, (number, is_after, statuses)
        assert operator.live("Lease", "bundler.shop", "coordination.k8s.io") is None
        assert data(operator, "ConfigMap", "shop-config") == {"text": "one"}
        assert data(operator, "ConfigMap", "shop-extra") == {"more": "yes"}
        assert data(operator, "Secret", "shop-token") == {"token": "YS10b2tlbi1vZi0yNC1jaGFyYWN0ZXJz"}


def test_an_uninstall_that_dies_anywhere_goes_on_when_it_is_repeated(make_operator: Callable[..., Operator]) -> None:
    for number, is_after in deaths_in(make_operator, Operator.uninstall):
        operator = make_operator()
        password = data(operator, "Secret", "shop-password")
        doomed, _ = dying(operator, number, is_after=is_after)
        with pytest.raises(DeathError):
            doomed.uninstall()
        try:
            operator.uninstall()
        except ReleaseNotFoundError:
            assert is_after or number > 1, "it was not begun"
        assert operator.statuses() == [], (number, is_after)
        assert records(operator) == [], (number, is_after)
        for group, kind, name in (
            ("", "ConfigMap", "shop-config"),
            ("apps", "Deployment", "shop-web"),
            ("", "Service", "shop-web"),
        ):
            assert operator.live(kind, name, group) is None, (number, is_after)
        assert data(operator, "Secret", "shop-password") == password, "passwords stay"


def test_an_uninstall_that_keeps_the_history_and_dies_anywhere_goes_on_when_it_is_repeated(
    make_operator: Callable[..., Operator],
) -> None:
    def act(operator: Operator) -> object:
        return operator.uninstall(keeps_history=True)

    for number, is_after in deaths_in(make_operator, act):
        operator = make_operator()
        doomed, _ = dying(operator, number, is_after=is_after)
        with pytest.raises(DeathError):
            act(doomed)
        act(operator)
        assert operator.statuses() == ["superseded", "uninstalled"], (number, is_after)
        assert operator.live("ConfigMap", "shop-config") is None, (number, is_after)
        assert operator.live("Deployment", "shop-web", "apps") is None, (number, is_after)
    operator.rollback(revision=2)
    assert data(operator, "ConfigMap", "shop-config") == {"text": "two"}


def test_a_take_over_that_dies_anywhere_goes_on_when_it_is_repeated(tmp_path: Path) -> None:
    menu = small_bundle(tmp_path)
    metadata = {"name": "shop-config", "namespace": "prod"}
    theirs: Body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"text": "a", "old": "b"}}

    def made() -> Operator:
        clock = FakeClock()
        operator = Operator(closed_when_dropped(SandboxClient.open(None, clock)), "prod", clock=clock, timeout_s=600)
        operator.install(menu, "other")  # makes the namespace
        create_as_kubectl(operator.cluster, theirs)  # type: ignore[arg-type]
        return operator

    def act(operator: Operator) -> object:
        return operator.install(menu, request={"adopts": ("ConfigMap/*",)})

    for number, is_after in deaths_in(made, act, of_each_kind=True):  # it writes what any install does
        operator = made()
        doomed, _ = dying(operator, number, is_after=is_after)
        with pytest.raises(DeathError):
            act(doomed)
        act(operator)
        assert operator.statuses()[-1] == "deployed", (number, is_after)
        assert data(operator, "ConfigMap", "shop-config") == {"text": "hello"}
        live = operator.live("ConfigMap", "shop-config")
        assert {one["manager"] for one in live["metadata"]["managedFields"]} == {"bundler"}  # type: ignore[index,call-overload,misc]
