"""pytest plugin: which tests the slow part takes, and which stay with one worker where `--dist loadfile` shares them out.

The tests of a file stay together, for what they make once. So do all that run servers: one cluster of real processes is
enough.

    python -m tests.lib.scheduling      print the files and folders of the slow part
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xdist.remote import Producer

ROOT = Path(__file__).resolve().parents[2]
SERVERS = "tests/running/"
FOLDERS = ("tests/running", "tests/e2e", "tests/scenario", "tests/contract", "tests/property", "tests/cli")
"""Those with the longest files first, so that all workers end at about the same time."""
UNITS = "tests/unit"
SLOW = frozenset({"slow", "controlplane", "registry", "namespaces", "servers"})
IS_NAMED = re.compile(r"mark\.(slow|controlplane)|control_plane|RealRegistry|netns|server_(plane|site)")
"""What the file of a slow unit test says somewhere."""


class _Files(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return SERVERS if nodeid.startswith(SERVERS) else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Keep files together, and servers."""
    return _Files(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Insist that the slow part takes what the first one leaves out.

    Raises:
        pytest.UsageError: for a slow unit test in whose file nothing says so.
    """
    for path in {item.path for item in items if SLOW.intersection(mark.name for mark in item.iter_markers())}:
        if path.is_relative_to(ROOT / UNITS) and not IS_NAMED.search(path.read_text()):
            raise pytest.UsageError(f"{path} has a slow test, and no part of the tests takes it: {IS_NAMED.pattern}")


def slow_part() -> list[str]:
    """Return where slow tests are. To collect all other unit tests as well costs each worker a quarter of a minute."""
    units = (path for path in sorted((ROOT / UNITS).rglob("test_*.py")) if IS_NAMED.search(path.read_text()))
    return [*FOLDERS, *(str(path.relative_to(ROOT)) for path in units)]


if __name__ == "__main__":
    print(*slow_part())
