"""SIGKILL after each kind of mutating request of what goes back, on the real API.

That is rollback, uninstall, and the rollback that follows a failed upgrade. Between any two of their requests they die
on the sandbox, in `tests/scenario/test_kill_others.py`; those of install and upgrade do on the real API, too.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from tests.lib.enough_time import with_enough_time
from tests.lib.killing_proxy import Blow
from tests.lib.menus import small_bundle
from tests.lib.sweep import (
    DEPLOYED,
    INTERRUPTED,
    SUPERSEDED,
    Site,
    Workplace,
    blows_of_each_kind,
    kinds,
    on_workplaces,
    strike,
    writes_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

pytestmark = pytest.mark.slow

FIRST = ("--set", "extra=true", "--set", "text=one", "--set", "token=a-token-of-24-characters")
SECOND = ("--set", "extra=false", "--set", "text=two", "--set", "step=again", "--set", "autoscale=true")
BAD = ("--set", "text=bad", "--set", "step=again", "--set", "extra=false")
FAILS = ("--set", "job=docker.io/library/failjob:1", *BAD)
HANGS = ("--set", "image=docker.io/library/broken:1", *BAD)
FAILED = "failed"
KINDS = ("head", "pack", "sensitive")
EXIT_NOT_FOUND, EXIT_ROLLED_BACK = 1, 5
TOKEN = "YS10b2tlbi1vZi0yNC1jaGFyYWN0ZXJz"


def install(menu: Path, site: Site, *options: str) -> list[str]:
    return ["install", "shop", str(menu), "-n", site.namespace, "--timeout", "300s", *options]


def settled(place: Workplace, argv: list[str]) -> None:
    code, text = place.run(argv)
    assert code == 0, text


def is_first_again(site: Site) -> None:
    """Everything is as the first revision had it, and nothing of a later one is left."""
    assert site.config() == {"text": "one"}
    assert site.config("shop-extra") == {"more": "yes"}, "what the later revision dropped is not back"
    token = site.get("api/v1/.../secrets/shop-token")
    assert token is not None
    assert token["data"] == {"token": TOKEN}
    assert site.get("apis/autoscaling/v2/.../horizontalpodautoscalers/shop-web") is None
    web = site.get("apis/apps/v1/.../deployments/shop-web")
    assert web is not None
    assert web["spec"]["template"]["spec"]["containers"][0]["image"] == "docker.io/library/web:1"
    site.check_workloads()
    site.check_no_litter()


def test_a_rollback_that_is_killed_at_any_kind_of_write_goes_on_when_it_is_repeated(
    control_plane: ControlPlane, sites: Callable[[], Site], tmp_path: Path
) -> None:
    menu = small_bundle(tmp_path)

    def prepared(place: Workplace) -> tuple[Site, list[str]]:
        site = sites()
        settled(place, install(menu, site, *FIRST))
        settled(place, install(menu, site, *SECOND))
        return site, ["rollback", "shop", "-n", site.namespace, "--yes"]

    with Workplace(control_plane, tmp_path / "count") as place:
        writes = writes_of(place, prepared(place)[1])
    covered = {("POST", "leases"), ("POST", "secrets"), ("PUT", "secrets"), ("DELETE", "leases")}
    covered |= {("PATCH", "configmaps"), ("PATCH", "deployments"), ("DELETE", "jobs")}
    covered |= {("DELETE", "horizontalpodautoscalers")}
    assert kinds(writes) >= covered

    def one(place: Workplace, blow: Blow) -> None:
        site, argv = prepared(place)
        secret = site.password()
        strike(place, argv, blow)
        done = [SUPERSEDED, SUPERSEDED, DEPLOYED]
        if site.statuses() != done:  # where it is done, another one would go back from there
            code, text = place.run(argv)
            assert code == 0, f"statuses {site.statuses()}\n{text}"
            assert not site.holds_lock() or not place.proxy.writes(), "the lock was not released"
        statuses = site.statuses()
        assert statuses[:2] == [SUPERSEDED, SUPERSEDED], statuses
        assert statuses[-1] == DEPLOYED, statuses
        assert set(statuses[2:-1]) <= {INTERRUPTED, SUPERSEDED}, statuses
        assert site.password() == secret
        is_first_again(site)

    # Between record and end it writes as an upgrade does, which is killed at each kind of write in `test_kill.py`.
    wrong = on_workplaces(one, blows_of_each_kind(writes)[::2], control_plane, tmp_path)
    assert not wrong, "\n".join(wrong)


def test_an_uninstall_that_is_killed_at_any_kind_of_write_goes_on_when_it_is_repeated(
    control_plane: ControlPlane, sites: Callable[[], Site], tmp_path: Path
) -> None:
    menu = small_bundle(tmp_path)

    def prepared(place: Workplace) -> tuple[Site, list[str]]:
        site = sites()
        settled(place, install(menu, site, *FIRST))
        return site, ["uninstall", "shop", "-n", site.namespace, "--yes"]

    with Workplace(control_plane, tmp_path / "count") as place:
        writes = writes_of(place, prepared(place)[1])
    covered = {("POST", "leases"), ("PUT", "secrets"), ("DELETE", "secrets"), ("DELETE", "leases")}
    covered |= {("DELETE", name) for name in ("configmaps", "services", "deployments", "jobs")}
    assert kinds(writes) >= covered

    def one(place: Workplace, blow: Blow) -> None:
        site, argv = prepared(place)
        secret = site.password()
        strike(place, argv, blow)
        is_over = not any(site.records(kind) for kind in KINDS)
        code, text = place.run(argv)
        assert code == (EXIT_NOT_FOUND if is_over else 0), text
        assert not any(site.records(kind) for kind in KINDS), text
        assert site.config() is None
        assert site.config("shop-extra") is None
        assert site.get("apis/apps/v1/.../deployments/shop-web") is None
        assert site.items("apis/batch/v1/.../jobs") == []
        assert site.get("api/v1/.../services/shop-web") is None
        assert site.password() == secret, "passwords stay"
        if site.holds_lock():
            assert is_over, text
            settled(place, install(menu, site, *SECOND))
            assert not site.holds_lock()

    wrong = on_workplaces(one, blows_of_each_kind(writes), control_plane, tmp_path)
    assert not wrong, "\n".join(wrong)


def marks(method: str, target: str, body: bytes, *, status: str) -> bool:
    """Return whether a request gives a revision this status."""
    if method != "PUT" or "/secrets/" not in target:
        return False
    return bool(json.loads(body)["metadata"].get("labels", {}).get("bundler.dev/status") == status)


def is_truthful(statuses: Sequence[str]) -> bool:
    """What was deployed first, then failed upgrades and rollbacks that were cut off or done, the last of them deployed.

    Between two tries at the upgrade stands at most one rollback.
    """
    return (
        statuses[0] == SUPERSEDED
        and statuses[-2:] == [FAILED, DEPLOYED]
        and statuses[1:-2] in ([], [FAILED], [INTERRUPTED], [FAILED, INTERRUPTED], [FAILED, SUPERSEDED])
    )


def test_the_rollback_of_a_failed_upgrade_that_is_killed_converges_when_the_upgrade_is_repeated(
    control_plane: ControlPlane, sites: Callable[[], Site], tmp_path: Path
) -> None:
    menu = small_bundle(tmp_path)

    def prepared(place: Workplace) -> tuple[Site, list[str]]:
        site = sites()
        settled(place, install(menu, site, *FIRST))
        argv = [
            "upgrade",
            "shop",
            str(menu),
            "-n",
            site.namespace,
            "--timeout",
            "300s",
            "--rollback-on-failure",
            *FAILS,
        ]
        return site, argv

    with Workplace(control_plane, tmp_path / "count") as place:
        site, argv = prepared(place)
        code, text = place.run(argv)
        assert code == EXIT_ROLLED_BACK, text
        writes = place.proxy.writes()
    is_first_again(site)
    assert site.statuses() == [SUPERSEDED, FAILED, DEPLOYED]
    failing = next(one.number for one in writes if marks(one.method, one.target, one.body, status=FAILED))
    back = [(write.method, write.path) for write in writes if write.number > failing]
    covered = {("POST", "secrets"), ("PATCH", "deployments"), ("PATCH", "configmaps"), ("DELETE", "jobs")}
    assert kinds(back) >= covered | {("PUT", "secrets"), ("DELETE", "leases")}

    def one(place: Workplace, blow: Blow) -> None:
        site, argv = prepared(place)
        secret = site.password()
        strike(place, argv, blow)
        code, text = place.run(argv)
        try:
            assert code == EXIT_ROLLED_BACK
            assert is_truthful(site.statuses())
            assert not site.holds_lock(), "the lock was not released"
            assert site.password() == secret
            is_first_again(site)
        except AssertionError as error:
            raise AssertionError(f"{error}\nstatuses {site.statuses()}\n{text}") from error

    # Its writes are those of a rollback, above: it is enough to see that it is taken for one, before and after it is
    # written down that the upgrade has failed, in its middle, and at its end.
    points = [failing - 1, failing, failing + len(back) // 2, len(writes)]
    blows = [Blow(number=number, is_after=True) for number in points]
    wrong = on_workplaces(one, blows, control_plane, tmp_path)
    assert not wrong, "\n".join(wrong)


def test_the_rollback_of_an_upgrade_whose_time_is_over_is_patient_with_a_busy_server(
    control_plane: ControlPlane, sites: Callable[[], Site], tmp_path: Path
) -> None:
    menu, site = small_bundle(tmp_path), sites()
    refused: list[str] = []
    has_failed = threading.Event()

    def is_busy(method: str, target: str, body: bytes) -> bool:
        is_one = has_failed.is_set() and not refused
        if is_one:
            refused.append(f"{method} {target}")
        if marks(method, target, body, status=FAILED):
            has_failed.set()
        return is_one

    with Workplace(control_plane, tmp_path / "place") as place:
        settled(place, install(menu, site, *FIRST))
        place.proxy.is_busy = is_busy
        argv = ["upgrade", "shop", str(menu), "-n", site.namespace, "--rollback-on-failure", *HANGS]
        code, text = with_enough_time(
            lambda seconds: place.run([*argv, "--timeout", f"{seconds}s"]), lambda _: has_failed.is_set()
        )
    assert refused, text
    assert code == EXIT_ROLLED_BACK, text
    assert site.statuses() == [SUPERSEDED, FAILED, DEPLOYED]
    is_first_again(site)
