"""How threads begin while coverage measures them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.lib.measured_threads import _start_in_turn

if TYPE_CHECKING:
    from types import FrameType


def test_a_thread_is_traced_before_another_one_can_begin_to_be() -> None:
    before, traced, ran = threading.gettrace(), [], []

    def trace(frame: FrameType, event: str, argument: object) -> None:
        traced.append(threading.current_thread().name)

    threads = [threading.Thread(target=ran.append, args=(name,), name=name) for name in "abc"]
    threading.settrace(trace)
    try:
        for number, thread in enumerate(threads, start=1):
            _start_in_turn(thread)
            assert set(traced) == set("abc"[:number])
        assert threading.gettrace() is trace
    finally:
        threading.settrace(before)  # type: ignore[arg-type]
    for thread in threads:
        thread.join()
    assert sorted(ran) == ["a", "b", "c"]
