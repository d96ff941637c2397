"""Running steps that need each other, whatever they do."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest

from bundler.actions.change.graph import run_graph, side_by_side
from bundler.errors import InterruptedRunError

LONG_S = 60.0


@dataclass(frozen=True)
class Node:
    id: str
    needs: tuple[str, ...] = ()


def nothing() -> None:
    pass


def interrupted() -> InterruptedRunError:
    return InterruptedRunError("working", context=["another failed"], hint="run it again")


def test_a_step_begins_after_all_that_it_needs():
    done: list[str] = []
    nodes = [Node("a"), Node("b"), Node("c", ("a", "b")), Node("d", ("c",))]
    run_graph(nodes, lambda node: done.append(node.id), stop=nothing)
    assert sorted(done[:2]) == ["a", "b"]
    assert done[2:] == ["c", "d"]


def test_steps_that_need_nothing_of_each_other_run_at_the_same_time():
    meeting = threading.Barrier(3, timeout=LONG_S)
    run_graph([Node("a"), Node("b"), Node("c")], lambda _: meeting.wait(), stop=nothing)


def test_a_step_does_not_wait_for_a_slow_one_that_it_does_not_need():
    after_quick = threading.Event()

    def work(node: Node) -> None:
        if node.id == "slow":
            assert after_quick.wait(LONG_S)
        if node.id == "after quick":
            after_quick.set()

    run_graph([Node("slow"), Node("quick"), Node("after quick", ("quick",))], work, stop=nothing)


def test_one_step_alone_runs_in_the_thread_that_asked():
    threads = []
    run_graph([Node("a"), Node("b", ("a",))], lambda _: threads.append(threading.current_thread()), stop=nothing)
    assert threads == [threading.current_thread()] * 2


def test_after_a_failure_nothing_begins_and_what_runs_is_stopped_and_waited_for():
    begun: list[str] = []
    stopped, has_ended = threading.Event(), threading.Event()

    def work(node: Node) -> None:
        begun.append(node.id)
        if node.id == "bad":
            raise ValueError("no")
        if node.id == "long":
            assert stopped.wait(LONG_S)
            has_ended.set()

    with pytest.raises(ValueError, match="no"):
        run_graph([Node("bad"), Node("long"), Node("next", ("long",))], work, stop=stopped.set)
    assert has_ended.is_set()
    assert sorted(begun) == ["bad", "long"]


def test_the_cause_of_a_failure_is_raised_and_not_its_echo_in_an_earlier_step():
    stopped = threading.Event()

    def work(node: Node) -> None:
        if node.id == "bad":
            raise ValueError("the cause")
        assert stopped.wait(LONG_S)
        raise interrupted()

    with pytest.raises(ValueError, match="the cause"):
        run_graph([Node("echo"), Node("bad")], work, stop=stopped.set)


def test_an_echo_alone_is_raised():
    def work(_: Node) -> None:
        raise interrupted()

    with pytest.raises(InterruptedRunError):
        run_graph([Node("a"), Node("b")], work, stop=nothing)


def test_ctrl_c_in_a_step_stops_the_others():
    stopped = threading.Event()

    def work(_: Node) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_graph([Node("a"), Node("b", ("a",))], work, stop=stopped.set)
    assert stopped.is_set()


def test_a_step_that_needs_what_is_no_step_is_never_passed_over_in_silence():
    with pytest.raises(AssertionError, match="lost"):
        run_graph([Node("lost", ("nowhere",))], lambda _: None, stop=nothing)


def test_independent_pieces_are_all_done_though_one_fails():
    done: list[int] = []

    def work(number: int) -> None:
        if number == 1:
            raise ValueError("one")
        done.append(number)

    with pytest.raises(ValueError, match="one"):
        side_by_side(work, range(4), at_once=2)
    assert sorted(done) == [0, 2, 3]
