"""Calls side by side: their order, their failures, and a signal that does not wait for them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextvars import ContextVar
from pathlib import Path

import pytest

import bundler
from bundler.concurrency import in_parallel, in_thread, map_parallel
from tests.lib.clocks import SOON_S


def test_what_is_returned_is_in_the_order_of_the_items() -> None:
    def late(number: int) -> int:
        time.sleep(0.02 / (number + 1))
        return number * 2

    assert map_parallel(late, range(20)) == [number * 2 for number in range(20)]
    assert map_parallel(late, []) == []
    assert in_parallel(lambda: "a", lambda: "b", lambda: "c") == ["a", "b", "c"]


def test_a_thread_belongs_to_the_run_of_its_caller() -> None:
    run: ContextVar[str] = ContextVar("run", default="none")
    seen: list[str] = []

    def look(name: str) -> None:
        seen.append(f"{name} {run.get()}")

    run.set("first")
    thread = in_thread(look, "a", name="looking")
    run.set("second")
    thread.start()
    thread.join()
    map_parallel(look, "bc")
    assert sorted(seen) == ["a first", "b second", "c second"]
    assert thread.name == "looking"


def test_every_thread_is_made_here() -> None:
    """Another one would belong to no run: nothing would hold it to what its session may reach."""
    package = Path(bundler.__path__[0])
    made = [str(path.relative_to(package)) for path in package.rglob("*.py") if "threading.Thread(" in path.read_text()]
    assert made == ["concurrency.py"]


def test_no_more_calls_are_under_way_than_may_be() -> None:
    most, running, lock = [0], [0], threading.Lock()

    def count(_: int) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.005)
        with lock:
            running[0] -= 1

    map_parallel(count, range(20), at_once=3)
    assert 1 < most[0] <= 3


def test_after_a_failure_nothing_is_begun_and_what_is_under_way_is_waited_for() -> None:
    begun, ended = [], []

    def call(number: int) -> None:
        begun.append(number)
        if number == 1:
            raise ValueError(number)
        time.sleep(0.05)
        ended.append(number)

    with pytest.raises(ValueError, match="1"):
        map_parallel(call, range(100), at_once=4)
    assert len(begun) < 10
    assert sorted([*ended, 1]) == sorted(begun)


def test_the_failure_of_the_first_item_in_order_is_raised() -> None:
    both = threading.Barrier(2)

    def call(number: int) -> None:
        both.wait(60)
        time.sleep(0.02 * (1 - number))
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        map_parallel(call, range(2))


PROGRAM = """
import os, signal, sys, threading, time
from bundler.concurrency import map_parallel

def call(number):
    if threading.current_thread() is threading.main_thread():
        time.sleep({main_s})
        return
    time.sleep(600)

signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background is started deaf to it
threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
try:
    map_parallel(call, range(4))
except KeyboardInterrupt:
    os._exit(7)
"""


@pytest.mark.medium
@pytest.mark.parametrize("main_s", [0, 600], ids=["waiting", "calling"])
def test_one_interruption_is_enough_whatever_the_threads_do(main_s: int) -> None:
    began_s = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", PROGRAM.format(main_s=main_s)], timeout=500, check=False)
    assert ended.returncode == 7
    assert time.monotonic() - began_s < SOON_S
