"""Fixtures for every test."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lib.laws import examples

if TYPE_CHECKING:
    import pytest

_MEMORY_BYTES = 2 * 1024**3
"""So much has to be free: a run of the first part leaves a tenth of it, and the last three are kept."""

pytest_plugins = [
    "tests.lib.fixtures_controlplane",
    "tests.lib.fixtures_cli",
    "tests.lib.fixtures_registry",
    "tests.lib.fixtures_netns",
    "tests.lib.fixtures_servers",
    "tests.lib.scheduling",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options."""
    parser.addoption("--update-golden", action="store_true", help="write golden files instead of comparing with them")


def settle_laws(*, is_short: bool) -> None:
    """Hold laws without a clock, which says how busy the machine is.

    What runs without the slow tests takes few examples, the same in each run: what it says depends on the code alone.
    """
    from hypothesis import settings

    settings.register_profile("whole", deadline=None, max_examples=examples(100))
    settings.register_profile("short", deadline=None, max_examples=20, derandomize=True)
    settings.load_profile("short" if is_short else "whole")


def work_in_memory() -> None:
    """Keep the files of the first part off the disk, where each sandbox would wait until its own are written."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        return
    found = os.statvfs(memory)
    runs_programs = not found.f_flag & getattr(os, "ST_NOEXEC", 0)
    if runs_programs and found.f_bavail * found.f_frsize > _MEMORY_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


def pytest_collection_finish() -> None:
    """Spare the garbage collector thousands of tests that live until the end anyway."""
    gc.collect()
    gc.freeze()


def pytest_configure(config: pytest.Config) -> None:
    """Hand options on to ``tests.lib.golden`` and ``tests.lib.laws``."""
    _take_signals_again()
    is_short = "not slow" in config.getoption("markexpr")
    if is_short:
        os.environ["SHORT_LAWS"] = "1"
        work_in_memory()
    settle_laws(is_short=is_short)
    if config.getoption("--update-golden"):
        os.environ["UPDATE_GOLDEN"] = "1"


def _take_signals_again() -> None:
    """What ``nohup`` or a shell's ``&`` made this process ignore, every program that the tests start would ignore too."""
    for number, handler in ((signal.SIGHUP, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
