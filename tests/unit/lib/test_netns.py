"""Namespaces of runs that were killed are found by their names."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.lib.netns import FILES, Namespace, left_behind, sweep

ALIVE = {1, 77}


@pytest.mark.parametrize(
    ("name", "is_left"),
    [
        ("bundler-5-try", True),
        ("bundler-5-walk-site", True),
        ("bundler5s", True),
        ("bundler5w", True),
        ("bundler-77-walk-site", False),
        ("bundler77s", False),
        ("bundler-walk-site", False),
        ("bundler", False),
        ("other-5-try", False),
        ("my-bundler-5-try", False),
        ("bundler-5-", False),
        ("eth0", False),
    ],
)
def test_a_name_says_whether_its_run_is_gone(name: str, is_left: bool) -> None:
    assert left_behind(["lo", name], is_alive=ALIVE.__contains__) == ([name] if is_left else [])


def test_what_a_dead_run_left_is_swept_and_ours_stays(namespaces) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, own = Namespace("left", pid=gone.pid), Namespace("own")
    left.__enter__()
    with own:
        assert left.name in sweep()
        names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
        assert (left.name in names, own.name in names) == (False, True)
        assert not (FILES / left.name).exists()
        assert own.name == f"bundler-{os.getpid()}-own"
