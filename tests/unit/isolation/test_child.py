from __future__ import annotations

import os
import signal
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from bundler.isolation.child import Child, ChildEndedError, ChildStoppedError
from bundler.isolation.fork_server import ForkServer
from bundler.isolation.limits import MIB, WorkLimits

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def child(function: str, *, is_stopped: bool = False, cpu_s: int = 60, answer_bytes: int = 16 * MIB) -> Iterator[Child]:
    limits = WorkLimits(cpu_s=cpu_s, answer_bytes=answer_bytes, memory_bytes=512 * MIB)
    with (
        ForkServer(f"tests.lib.foreign_work:{function}") as server,
        Child(server, limits, is_stopped=lambda: is_stopped) as work,
    ):
        yield work


def test_what_is_fed_comes_to_the_function_and_its_answer_comes_back() -> None:
    data = os.urandom(3_000_000)
    with child("join") as work:
        for at in range(0, len(data), 700_000):
            work.feed(data[at : at + 700_000])
        assert work.answer() == data


def test_a_function_that_has_seen_enough_is_not_waited_for() -> None:
    with child("first") as work:
        for _ in range(40):
            work.feed(b"abc" * 100_000)
        assert work.answer() == b"abc"


@pytest.mark.medium
@pytest.mark.parametrize(
    ("function", "why"),
    [
        ("loop_in_c", "it takes more than 1s of work"),
        ("grow", "it takes more than 512 MiB of memory"),
        ("fail", "reading it failed: of that kind"),
        ("answer_much", "it holds more than 1.0 MiB of what is wanted"),
    ],
)
def test_work_without_end_is_ended_and_says_why(function: str, why: str) -> None:
    with child(function, cpu_s=1, answer_bytes=MIB) as work, pytest.raises(ChildEndedError) as caught:
        work.answer()
    assert str(caught.value) == why


def test_a_wish_to_stop_ends_work_that_no_exception_reaches() -> None:
    with child("loop_in_c", is_stopped=True) as work, pytest.raises(ChildStoppedError):
        work.answer()
    assert work._exit_code == -signal.SIGKILL


def test_a_wish_to_stop_is_heard_while_a_child_takes_nothing() -> None:
    with child("ignore", is_stopped=True) as work, pytest.raises(ChildStoppedError):
        work.feed(bytes(10_000_000))


def test_many_children_work_at_once_and_the_end_of_one_does_not_touch_the_others() -> None:
    with ForkServer("tests.lib.foreign_work:end_with_x") as server, ExitStack() as stack:
        work = [stack.enter_context(Child(server, WorkLimits(cpu_s=60))) for _ in range(6)]
        for number, one in enumerate(work):
            one.feed(b"x" if number == 3 else bytes([number]) * 2_000_000)
        work[3].close()
        for number, one in enumerate(work):
            if number != 3:
                assert one.answer() == bytes([number]) * 2_000_000


def test_all_children_end_with_the_program_that_made_them() -> None:
    with ForkServer("tests.lib.foreign_work:loop_in_c") as server:
        work = Child(server, WorkLimits(cpu_s=60))
        server.close()
        with pytest.raises(ChildEndedError, match="reading it failed"):
            work.answer()
        work.close()


def test_no_child_can_be_made_once_the_program_has_ended() -> None:
    with ForkServer("tests.lib.foreign_work:join") as server:
        server._process.kill()
        server._process.wait()
        with pytest.raises(OSError):
            Child(server, WorkLimits(cpu_s=1))
