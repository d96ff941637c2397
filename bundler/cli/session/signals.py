"""What signals do: once the release is locked, the first one lets requests in flight finish. Layer: cli."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

EXIT_INTERRUPTED = 130
GRACE_S = 15.0
"""For what is under way when the first signal comes."""


class Stop:
    """The wish to stop, as signals bring it."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._asked_s = 0.0
        self._careful = 0
        self.before_leaving: Callable[[], None] = _nothing
        """Puts the terminal in order before the process ends at once."""
        self.on_first: Callable[[], None] = _nothing

    def is_asked(self) -> bool:
        """Return whether someone asked this run to stop."""
        return self._asked.is_set()

    def grace_s(self) -> float:
        """Return the seconds that requests may still take: without end until the run is asked to stop."""
        if not self._asked.is_set():
            return float("inf")
        return max(0.0, self._asked_s + GRACE_S - time.monotonic())

    @contextmanager
    def careful(self) -> Iterator[None]:
        """While the block runs, the first signal asks and only the second ends; outside, the first one ends."""
        self._careful += 1
        try:
            yield
        finally:
            self._careful -= 1

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """While the block runs, the first signal ends: someone is being asked, and nothing is under way."""
        careful, self._careful = self._careful, 0
        try:
            yield
        finally:
            self._careful = careful

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals while the block runs; only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._take) for number in _taken()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if not self._careful:
            raise KeyboardInterrupt
        if self._asked.is_set():
            self.before_leaving()
            os._exit(EXIT_INTERRUPTED)
        self._asked_s = time.monotonic()
        self._asked.set()
        self.on_first()


def _taken() -> list[signal.Signals]:
    """Return what to listen for; ``nohup`` has SIGHUP ignored, and that stays so."""
    hangs_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hangs_up else [])]


def _nothing() -> None:
    """Do nothing."""
