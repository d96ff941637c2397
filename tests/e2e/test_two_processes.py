"""Two real processes want the same release at once: on the real API, and on one sandbox file."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.lib.menus import small_bundle
from tests.lib.sweep import DEPLOYED, Site, Workplace
from tests.lib.warm import WarmStart

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lib.controlplane import ControlPlane

pytestmark = pytest.mark.slow

LOCKED = 75
WAITING = ("--lock-timeout", "300s")


@pytest.fixture
def site(control_plane: ControlPlane) -> Iterator[Site]:
    site = Site(control_plane)
    yield site
    site.delete()


@pytest.fixture
def places(control_plane: ControlPlane, tmp_path: Path) -> Iterator[tuple[Workplace, Workplace]]:
    with Workplace(control_plane, tmp_path / "one") as one, Workplace(control_plane, tmp_path / "two") as two:
        yield one, two


def at_once(places: tuple[Workplace, Workplace], argv: list[str]) -> list[tuple[int, str]]:
    runs = [place.start(argv) for place in places]
    return [(run.wait(), run.text) for run in runs]


def test_of_two_installs_at_once_one_gets_there_and_the_other_says_who_holds_the_release(
    places: tuple[Workplace, Workplace], site: Site, tmp_path: Path
) -> None:
    argv = ["install", "shop", str(small_bundle(tmp_path)), "-n", site.namespace]
    results = at_once(places, argv)
    codes = sorted(code for code, _ in results)
    assert codes in ([0, LOCKED], [0, 0]), results
    for code, text in results:
        assert code == 0 or "error[release-locked]" in text
        assert "Traceback" not in text
    assert site.statuses() == [DEPLOYED]
    site.check_workloads()
    site.check_no_litter()


def test_of_two_upgrades_at_once_the_one_that_waits_finds_no_change(
    places: tuple[Workplace, Workplace], site: Site, tmp_path: Path
) -> None:
    menu = str(small_bundle(tmp_path))
    first = ["install", "shop", menu, "-n", site.namespace]
    results = at_once(places, [*first, *WAITING])
    assert [code for code, _ in results] == [0, 0], results
    assert site.statuses() == [DEPLOYED]
    results = at_once(places, [*first, *WAITING, "--set", "text=other"])
    assert [code for code, _ in results] == [0, 0], results
    assert site.statuses() == ["superseded", DEPLOYED]
    assert sum("no changes" in text for _, text in results) == 1, results
    assert site.config() == {"text": "other"}
    site.check_no_litter()


def statuses_in(state: Path) -> list[tuple[int, str]]:
    """Read revision and status of each head straight from the file."""
    with closing(sqlite3.connect(state / "sandbox.db")) as file:
        rows = file.execute(
            "SELECT body FROM objects WHERE kind = 'Secret' AND name LIKE 'bundler.release.%'"
        ).fetchall()
    marks = [json.loads(body)["metadata"]["labels"] for (body,) in rows]
    return sorted((int(one["bundler.dev/revision"]), one["bundler.dev/status"]) for one in marks)


@pytest.mark.parametrize("option", [(), WAITING], ids=["leaves", "waits"])
def test_two_processes_share_one_sandbox_file(tmp_path: Path, option: tuple[str, ...]) -> None:
    menu = small_bundle(tmp_path)
    env = {"HOME": str(tmp_path), "BUNDLER_STATE_DIR": str(tmp_path / "state"), "USER": "ada", "PATH": "/usr/bin"}
    with WarmStart() as one, WarmStart() as two:
        for text in ("hello", "other"):
            argv = ["install", "shop", str(menu), "--context", "sandbox", "--set", f"text={text}", *option]
            runs = [warm.start(argv, env=env, output=tmp_path / f"{n}.txt") for n, warm in enumerate((one, two))]
            results = [(run.wait(), run.text) for run in runs]
            wanted = ([0, 0],) if option else ([0, LOCKED], [0, 0])
            assert sorted(code for code, _ in results) in wanted, results
            assert not any("Traceback" in output for _, output in results)
    assert statuses_in(tmp_path / "state") == [(1, "superseded"), (2, DEPLOYED)]
