"""Upgrades in steps that are refused on the real API: planned from what its controllers wrote, and nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.test_reading_verbs import state_of, writes_in
from tests.lib.objects import job
from tests.lib.sweep import Site, Workplace
from tests.lib.unsteppable import CASES, bundle, web

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

SEEN_BY_CONTROLLERS = ("autoscaled set", "on delete", "made again", "shared settings", "service", "quota")


@pytest.mark.slow
def test_refused_steps_send_nothing_that_writes(
    control_plane: ControlPlane, sites: Callable[[], Site], tmp_path: Path
) -> None:
    with Workplace(control_plane, tmp_path / "place") as place:
        for number, name in enumerate(SEEN_BY_CONTROLLERS):
            case, site, folder = CASES[name], sites(), tmp_path / str(number)
            where = ("-n", site.namespace)
            code, text = place.run(["install", "shop", str(bundle(folder / "1", case.before, "1.0.0")), *where])
            assert code == 0, text
            newer, before = str(bundle(folder / "2", case.after, "1.1.0")), state_of(site)
            code, text = place.run(["upgrade", "shop", newer, *case.flags, *where])
            assert (code, f"error[{case.code}]" in text, case.line in text) == (1, True, True), text
            assert writes_in(place.proxy.seen) == []
            assert state_of(site) == before


@pytest.mark.slow
def test_after_an_upgrade_that_failed_steps_begin_once_the_release_went_back(
    control_plane: ControlPlane, sites: Callable[[], Site], tmp_path: Path
) -> None:
    site = sites()
    with Workplace(control_plane, tmp_path / "place") as place:

        def run(verb: str, *words: str) -> tuple[int, str]:
            return place.run([verb, "shop", *words, "-n", site.namespace])

        def version(number: int, *objects: dict[str, Any]) -> str:
            return str(bundle(tmp_path / str(number), objects, f"1.{number}.0"))

        assert run("install", version(0, web("web:1")))[0] == 0
        assert run("upgrade", version(1, web("web:2"), job("setup", "failjob:1")))[0] == 1
        code, text = run("upgrade", version(2, web("web:3")), "--canary", "1")
        assert (code, '"web:2" instead of "web:1"' in text) == (1, True), text
        assert writes_in(place.proxy.seen) == []
        assert run("rollback", "1")[0] == 0
        code, text = run("upgrade", version(2, web("web:3")), "--canary", "1")
        assert (code, "rolling (step 1 of 2, paused)" in text) == (0, True), text
