"""Work in a child process: its result, its errors, and its end."""

from __future__ import annotations

import math
import os
import re
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bundler.actions.author.describe import menu_of
from bundler.actions.release.recorded_command import recorded_command
from bundler.confinement.forked import ForkedWork, WorkFailedError
from bundler.confinement.memory import asked_resident_bytes
from bundler.confinement.rules import ConfinedRules
from bundler.errors.bundle import DeriveError, WorkLimitError
from bundler.library.system_clock import SystemClock
from bundler.model.bundle import ReadinessRule
from bundler.model.health import Status
from bundler.model.manifest import Source
from bundler.model.place import at_place
from bundler.syntax.scalars import YamlFloat
from tests.lib.bundles import load_from, make_bundle
from tests.lib.clocks import SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable

CLOCK = SystemClock()


def children() -> set[int]:
    """Return the processes that this one started and that are not waited for; the suite has some of its own."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found.add(int(stat.parent.name))
    return found


def confined(seconds: float = 60, *, is_stopped: Callable[[], bool] = lambda: False) -> ForkedWork:
    end_s = CLOCK.monotonic() + seconds
    return ForkedWork(CLOCK, deadline_s=lambda: end_s, is_stopped=is_stopped)


def endless_search() -> object:
    with at_place(lambda: "values.schema.json#/properties/tag/pattern"):
        return re.search(r"(a+)+$", "a" * 60 + "b")


@pytest.mark.medium
def test_what_work_returns_comes_back_with_its_types() -> None:
    data = {"a": [1, 2.5, None, True, "ä", ("x",)], "b": frozenset({"s"})}
    assert confined().run(lambda: data, doing="computing") == data
    (number,) = confined().run(lambda: [YamlFloat("1.10")], doing="computing")
    assert str(number) == "1.10"
    assert len(confined().run(lambda: "x" * 30_000_000, doing="computing")) == 30_000_000


def test_work_changes_nothing_here() -> None:
    seen: list[int] = []
    assert confined().run(lambda: seen.append(1), doing="computing") is None
    assert seen == []


def test_an_error_of_work_comes_back_with_all_it_says() -> None:
    def fail() -> None:
        raise DeriveError("computing x", context=["a line"], hint="correct it")

    with pytest.raises(DeriveError, match="computing x") as caught:
        confined().run(fail, doing="computing")
    assert (caught.value.context, caught.value.hint) == (("a line",), "correct it")


def test_a_bug_in_work_comes_back_with_its_trace() -> None:
    with pytest.raises(WorkFailedError, match="ZeroDivisionError"):
        confined().run(lambda: 1 / 0, doing="computing")


@pytest.mark.medium
def test_work_that_the_time_runs_out_for_says_at_which_place_of_the_bundle() -> None:
    with pytest.raises(WorkLimitError, match="rendering shop") as caught:
        confined(0.3).run(endless_search, doing="rendering shop")
    assert caught.value.context == ("values.schema.json#/properties/tag/pattern: it takes more than 0.3 s",)


def test_work_that_looks_at_no_signal_is_killed() -> None:
    began = time.monotonic()
    with pytest.raises(WorkLimitError) as caught:
        confined(0.2).run(lambda: math.factorial(10_000_000), doing="computing")
    assert caught.value.context == ("it takes more than 0.2 s",)
    assert time.monotonic() - began < SOON_S


def test_work_that_takes_too_much_memory_ends_by_itself() -> None:
    with pytest.raises(WorkLimitError) as caught:
        confined().run(lambda: [bytearray(1 << 20) for _ in range(2000)], doing="computing")
    assert caught.value.context == ("it takes more than 512 MiB of memory",)


def test_work_that_its_process_does_not_survive_is_an_error() -> None:
    with pytest.raises(WorkLimitError) as caught:
        confined().run(lambda: os.kill(os.getpid(), signal.SIGKILL), doing="computing")
    assert caught.value.context == ("its process ended with -9",)


def test_work_ends_with_the_wish_to_stop_and_leaves_no_process() -> None:
    before = children()
    with pytest.raises(WorkLimitError, match="computing") as caught:
        confined(60, is_stopped=lambda: True).run(endless_search, doing="computing")
    assert caught.value.context == ("the run was asked to stop",)
    assert children() <= before, "a process is left"


def test_a_signal_that_raises_here_ends_work_at_once() -> None:
    others = children()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            confined(60).run(endless_search, doing="computing")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert children() <= others, "a process is left"


def test_beside_other_threads_work_is_confined_too() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        assert confined().run(os.getpid, doing="computing") != os.getpid()
    finally:
        done.set()
        other.join()


def test_the_memory_of_a_process_can_be_asked_where_the_system_sets_no_bound() -> None:
    assert asked_resident_bytes(os.getpid()) > 1 << 20
    assert asked_resident_bytes(2**22 + 1) == 0


def rule(ready: str, failed: str = "") -> ReadinessRule:
    return ReadinessRule(group="x", kind="X", name="", ready=ready, failed=failed, source=Source("the record", 0))


@pytest.mark.slow
def test_rules_are_judged_in_a_process_of_their_own_that_a_bomb_ends() -> None:
    before = children()
    rules = ConfinedRules(max_rule_s=1)
    try:
        assert rules(rule("object.a == 1"), {"a": 1}).status is Status.CURRENT
        bomb = rule(
            "(range(1000) | list | string).count('a' * 5) == ((('a' * 5000000) | trim('b')) | wordwrap(3)).count('z')"
        )
        assert rules(bomb, {"a": 1}).status is Status.IN_PROGRESS
        assert rules(rule("object.a == 2"), {"a": 1}).message == "not yet: object.a == 2"
    finally:
        rules.close()
    assert children() <= before, "a process is left"


@pytest.mark.slow
def test_a_rule_whose_process_is_lost_is_not_asked_again_and_others_are() -> None:
    rules = ConfinedRules(max_rule_s=1)
    try:
        assert rules(rule("object.a == 1"), {"a": 1}).status is Status.CURRENT
        assert rules._worker is not None
        os.kill(rules._worker._process, signal.SIGKILL)
        lost = rules(rule("object.a == 3"), {"a": 1})
        assert (lost.status, lost.message.partition(":")[0]) == (Status.IN_PROGRESS, "its rule cannot be computed")
        assert rules(rule("object.a == 3"), {"a": 1}) == lost
        assert rules(rule("object.a == 1"), {"a": 1}).status is Status.CURRENT
    finally:
        rules.close()


class Counted:
    """Runs work right here, and remembers what was being done."""

    def __init__(self) -> None:
        self.doing: list[str] = []

    def run(self, work, *, doing: str):
        self.doing.append(doing)
        return work()


def test_schemas_are_read_confined_for_a_description_and_for_the_recorded_command(tmp_path: Path) -> None:
    schema = '{"properties": {"token": {"type": "string", "x-sensitive": true}}}'
    bundle = load_from(make_bundle(tmp_path, {"values.schema.json": schema, "values.yaml": "token: ''\n"}))
    counted = Counted()
    assert menu_of(bundle, confinement=counted) == menu_of(bundle)
    typed = ["install", "--set", "token=secret"]
    assert recorded_command(typed, bundle, confinement=counted) == recorded_command(typed, bundle)
    assert counted.doing == ["describing demo", "reading which values of demo are sensitive"]
    assert recorded_command(["install", "demo"], bundle, confinement=counted) == "bundler install demo"
    assert len(counted.doing) == 2
