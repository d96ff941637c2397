"""Whether every thread of the controller is still at work. Layer: controller."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bundler.ports import Clock

MAX_SILENCE_S: Final = 60.0
"""For a thread that says nothing else."""


class Pulse:
    """Until when each thread has to be heard of again. Safe to use from several of them."""

    def __init__(self, clock: Clock) -> None:
        """Know of no thread yet."""
        self._clock = clock
        self._guard = threading.Lock()
        self._until_s: dict[str, float] = {}

    def beat(self, name: str, *, within_s: float = MAX_SILENCE_S) -> None:
        """Note that a thread is at work, or waits for work as it should.

        Args:
            name: of the thread.
            within_s: seconds until it is heard of again at the latest: how long it waits, or what it does takes.
        """
        with self._guard:
            self._until_s[name] = self._clock.monotonic() + within_s

    def forget(self, name: str) -> None:
        """Note that a thread has ended, and may."""
        with self._guard:
            self._until_s.pop(name, None)

    @contextmanager
    def thread(self, name: str) -> Iterator[None]:
        """Know of a thread while the block runs; one that an exception ends stays silent for ever."""
        self.beat(name)
        try:
            yield
        except BaseException:
            self.beat(name, within_s=float("-inf"))
            raise
        self.forget(name)

    def silent(self) -> tuple[str, ...]:
        """Return the threads that should have been heard of, or died; sorted."""
        now_s = self._clock.monotonic()
        with self._guard:
            return tuple(sorted(name for name, until_s in self._until_s.items() if until_s < now_s))
