"""The clock of the command line."""

import time

import pytest

from bundler.library.system_clock import SystemClock


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="only Linux stops its monotonic clock during sleep")
def test_time_passes_while_the_machine_sleeps() -> None:
    before_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before_s <= SystemClock().monotonic() <= time.clock_gettime(time.CLOCK_BOOTTIME)
