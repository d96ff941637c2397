"""A plugin of coverage: threads begin to be measured one after the other.

CPython 3.11 refuses to trace a thread while another one is about to be traced, once a function of Python hears audit
events (``bundler/http/fence.py``): the thread ends before its work, and who waits for that waits forever.
"""

from __future__ import annotations

import threading
from typing import Any

_LONG_S = 60.0
_turn = threading.Lock()
_start = threading.Thread.start


def coverage_init(_registry: object, _options: object) -> None:
    """Called by coverage in each process that it measures, before it begins."""
    threading.Thread.start = _start_in_turn  # type: ignore[method-assign]


def _start_in_turn(thread: threading.Thread) -> None:
    trace = threading.gettrace()
    if trace is None:
        _start(thread)
        return
    is_traced = threading.Event()

    def trace_first(frame: Any, event: str, argument: Any) -> Any:
        try:
            return trace(frame, event, argument)
        finally:
            is_traced.set()

    with _turn:
        threading.settrace(trace_first)
        try:
            _start(thread)
            is_traced.wait(_LONG_S)
        finally:
            threading.settrace(trace)
