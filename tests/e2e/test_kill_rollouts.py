"""SIGKILL after each kind of mutating request of an upgrade in steps, on the real API: whatever follows ends well.

Between any two of them it dies on the sandbox, in `tests/scenario/test_kill_rollouts.py`.
"""

from __future__ import annotations

from collections import Counter
from itertools import cycle
from typing import TYPE_CHECKING, Any

import pytest

from tests.lib.stepped_worlds import shop
from tests.lib.sweep import Site, Workplace, blows_of_each_kind, kinds, on_workplaces, strike, writes_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane
    from tests.lib.killing_proxy import Blow

pytestmark = pytest.mark.slow

STEPS = ("--set", "image=docker.io/library/web:2", "--steps", "1")


def install(bundle: Path, site: Site) -> list[str]:
    return ["install", "shop", str(bundle), "-n", site.namespace, "--timeout", "300s", "--set", "replicas=2"]


def upgrade(bundle: Path, site: Site) -> list[str]:
    return ["upgrade", "shop", str(bundle), "-n", site.namespace, "--timeout", "300s", *STEPS]


def is_open(site: Site) -> bool:
    return any("bundler.dev/rollout" in head["metadata"]["annotations"] for head in site.records("head"))


def images(site: Site) -> Counter[str]:
    pods = [one for one in site.items("api/v1/.../pods") if "deletionTimestamp" not in one["metadata"]]
    return Counter(one["spec"]["containers"][0]["image"].rpartition(":")[2] for one in pods)


def check(place: Workplace, site: Site, statuses: list[str], tag: str) -> None:
    """One version runs, nothing is held back, and the record says so."""
    spec: dict[str, Any] = (site.get("apis/apps/v1/.../deployments/shop-web") or {})["spec"]
    assert "minReadySeconds" not in spec
    assert spec["progressDeadlineSeconds"] == 600
    assert site.statuses() == statuses
    assert images(site) == {tag: 2}
    assert not is_open(site)
    assert not place.proxy.writes() or not site.holds_lock(), "the lock was not released"
    site.check_no_litter()


def end(place: Workplace, site: Site, bundle: Path, verb: str) -> None:
    if verb == "upgrade" or not is_open(site):
        code, text = place.run(upgrade(bundle, site))
        # What is left of a rollout that is over is not an upgrade in steps any more.
        assert code == 0 or "nothing to step" in text, text
        statuses = site.statuses()
        assert set(statuses[1:-1]) <= {"interrupted"}
        check(place, site, ["superseded", *statuses[1:-1], "deployed"], "2")
        return
    code, text = place.run([verb, "shop", "-n", site.namespace, "--timeout", "300s"])
    assert code == 0, text
    if verb == "continue":
        check(place, site, ["superseded", "deployed"], "2")
    else:
        check(place, site, ["deployed", "failed"], "1")


def test_an_upgrade_in_steps_that_is_killed_at_any_kind_of_write_is_continued_aborted_or_repeated(
    control_plane: ControlPlane, sites: Callable[[], Site], tmp_path: Path
) -> None:
    bundle = shop(tmp_path, "Deployment")
    with Workplace(control_plane, tmp_path / "count") as place:
        site = sites()
        writes_of(place, install(bundle, site))
        writes = writes_of(place, upgrade(bundle, site))
    assert kinds(writes) >= {("POST", "leases"), ("POST", "secrets"), ("PUT", "secrets"), ("PATCH", "deployments")}

    def one(place: Workplace, point: tuple[Blow, str]) -> None:
        blow, verb = point
        site = sites()
        code, text = place.run(install(bundle, site))
        assert code == 0, text
        strike(place, upgrade(bundle, site), blow)
        end(place, site, bundle, verb)

    # The sandbox has every write with every verb: here each kind of write and each verb is met, in turn.
    points = list(zip(blows_of_each_kind(writes), cycle(("continue", "abort", "upgrade")), strict=False))
    wrong = on_workplaces(one, points, control_plane, tmp_path)
    assert not wrong, "\n".join(wrong)
