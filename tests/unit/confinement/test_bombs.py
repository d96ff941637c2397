"""Foreign templates end: by count where the count knows better, and always by time and memory."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from bundler.confinement.forked import ForkedWork
from bundler.expressions.expression import compile_text
from bundler.library.system_clock import SystemClock
from bundler.model.manifest import Source
from tests.unit.confinement.bombs import BOMBS

if TYPE_CHECKING:
    from collections.abc import Callable

CLOCK = SystemClock()
START_S = 3
"""Of the program, pytest included."""


def confined(seconds: float, *, is_stopped: Callable[[], bool] = lambda: False) -> ForkedWork:
    end_s = CLOCK.monotonic() + seconds
    return ForkedWork(CLOCK, deadline_s=lambda: end_s, is_stopped=is_stopped)


def evaluate(text: str) -> object:
    compiled = compile_text(text, source=Source("templates/bomb.yaml", 1))
    assert compiled is not None
    return compiled.evaluate({})


PROGRAM = """
import re
import resource
import sys
from pathlib import Path
from bundler.errors import BundlerError
from tests.unit.confinement.bombs import BOMBS
from tests.unit.confinement.test_bombs import confined, evaluate

def peak_kib():
    # The peak that getrusage gives of this process counts the process that started it, too; that of its children is theirs.
    own = re.search(r"VmHWM:\\s+([0-9]+) kB", Path("/proc/self/status").read_text())
    return max(int(own[1]), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


try:
    confined(4).run(lambda: evaluate(BOMBS[sys.argv[1]]), doing="rendering a bomb")
except BundlerError:
    sys.exit(0 if peak_kib() < 512 * 1024 else f"{peak_kib()} KiB")
sys.exit(1)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_within_five_seconds_and_half_a_gibibyte(name: str) -> None:
    """In a program of its own, as large as the command line is, whose memory the system counts."""
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", PROGRAM, name], os.environ)
    _, status, used = os.wait4(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert used.ru_utime + used.ru_stime < 5 + START_S
