"""SIGKILL after each kind of mutating request of install and upgrade, on the real API.

Between any two of them they die on the sandbox, in `tests/scenario/test_faults.py` and `test_kill_shop.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lib.menus import small_bundle
from tests.lib.sweep import (
    SUPERSEDED,
    Site,
    Workplace,
    blows_of_each_kind,
    check_truth,
    kinds,
    on_workplaces,
    strike,
    writes_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane
    from tests.lib.killing_proxy import Blow

pytestmark = pytest.mark.slow

OLD = ("--set", "extra=true")
NEW = ("--set", "extra=false", "--set", "step=again", "--set", "text=other", "--set", "autoscale=true")


def line(menu: Path, site: Site, *options: str) -> list[str]:
    return ["install", "shop", str(menu), "-n", site.namespace, "--timeout", "300s", *options]


def finish(place: Workplace, site: Site, argv: list[str], *, first: str = "") -> None:
    """Repeat the command; then everything is there, once, and the record says what happened."""
    secret = site.password()
    code, text = place.run(argv)
    try:
        assert code == 0
        did_something = bool(place.proxy.writes())
        assert not secret or site.password() == secret, "another password"
        assert site.password()
        site.check_workloads()
        check_truth(site.statuses(), first=first)
        if did_something:
            assert not site.holds_lock(), "the lock was not released"
            site.check_no_litter()
    except AssertionError as error:
        raise AssertionError(f"{error}\nstatuses {site.statuses()}\n{text}") from error


def test_an_install_that_is_killed_at_any_kind_of_write_goes_on_when_it_is_repeated(
    control_plane: ControlPlane, sites: Callable[[], Site], tmp_path: Path
) -> None:
    menu = small_bundle(tmp_path)
    with Workplace(control_plane, tmp_path / "count") as place:
        writes = writes_of(place, line(menu, sites()))
    covered = {
        ("POST", "namespaces"),
        ("POST", "leases"),
        ("POST", "secrets"),
        ("PUT", "secrets"),
        ("DELETE", "leases"),
    }
    covered |= {("PATCH", name) for name in ("configmaps", "secrets", "services", "deployments", "jobs")}
    assert kinds(writes) >= covered

    def one(place: Workplace, blow: Blow) -> None:
        site = sites()
        argv = line(menu, site)
        strike(place, argv, blow)
        finish(place, site, argv)
        assert site.config() == {"text": "hello"}

    wrong = on_workplaces(one, blows_of_each_kind(writes), control_plane, tmp_path)
    assert not wrong, "\n".join(wrong)


def test_an_upgrade_that_is_killed_at_any_kind_of_write_goes_on_when_it_is_repeated(
    control_plane: ControlPlane, sites: Callable[[], Site], tmp_path: Path
) -> None:
    menu = small_bundle(tmp_path)
    with Workplace(control_plane, tmp_path / "count") as place:
        site = sites()
        writes_of(place, line(menu, site, *OLD))
        writes = writes_of(place, line(menu, site, *NEW))
    covered = {("PATCH", "configmaps"), ("PATCH", "horizontalpodautoscalers"), ("DELETE", "configmaps")}
    covered |= {("PATCH", "jobs"), ("DELETE", "jobs"), ("POST", "leases"), ("POST", "secrets"), ("PUT", "secrets")}
    assert kinds(writes) >= covered

    def one(place: Workplace, blow: Blow) -> None:
        site = sites()
        code, text = place.run(line(menu, site, *OLD))
        assert code == 0, text
        secret, argv = site.password(), line(menu, site, *NEW)
        strike(place, argv, blow)
        finish(place, site, argv, first=SUPERSEDED)
        assert site.password() == secret
        assert site.config() == {"text": "other"}
        assert site.config("shop-extra") is None, "what left the bundle is still there"
        assert site.get("apis/autoscaling/v2/.../horizontalpodautoscalers/shop-web") is not None

    wrong = on_workplaces(one, blows_of_each_kind(writes), control_plane, tmp_path)
    assert not wrong, "\n".join(wrong)


def apply_again(place: Workplace, site: Site, plan: Path, planning: list[str]) -> None:
    """Carry out a plan whose run died: it is done, or refused as stale, and then a new one is."""
    code, text = place.run(["apply", str(plan)])
    if code:
        assert "error[plan-stale]" in text, text
        code, text = place.run([*planning, "--out", str(plan)])
        assert code == 0, text
        code, text = place.run(["apply", str(plan)])
    assert code == 0, text
    if place.proxy.writes():
        assert not site.holds_lock(), "the lock was not released"


def test_a_saved_plan_whose_run_is_killed_is_carried_out_or_refused_as_stale(
    control_plane: ControlPlane, sites: Callable[[], Site], tmp_path: Path
) -> None:
    """Some kinds are enough: what is killed between is as in an upgrade, and the sandbox has all of them."""
    menu = small_bundle(tmp_path)

    def planned(place: Workplace, site: Site) -> tuple[Path, list[str]]:
        code, text = place.run(line(menu, site, *OLD))
        assert code == 0, text
        plan = tmp_path / f"{site.namespace}.plan"
        planning = ["plan", "shop", str(menu), "-n", site.namespace, *NEW]
        code, text = place.run([*planning, "--out", str(plan)])
        assert code == 0, text
        return plan, planning

    with Workplace(control_plane, tmp_path / "count") as place:
        plan, _ = planned(place, sites())
        writes = writes_of(place, ["apply", str(plan)])
    assert {("PATCH", "configmaps"), ("DELETE", "configmaps"), ("POST", "leases"), ("PUT", "secrets")} <= kinds(writes)

    def one(place: Workplace, blow: Blow) -> None:
        site = sites()
        plan, planning = planned(place, site)
        secret = site.password()
        strike(place, ["apply", str(plan)], blow)
        apply_again(place, site, plan, planning)
        assert site.password() == secret
        site.check_workloads()
        site.check_no_litter()
        check_truth(site.statuses(), first=SUPERSEDED)
        assert site.config() == {"text": "other"}
        assert site.config("shop-extra") is None, "what left the bundle is still there"

    wrong = on_workplaces(one, blows_of_each_kind(writes)[::2], control_plane, tmp_path)
    assert not wrong, "\n".join(wrong)
