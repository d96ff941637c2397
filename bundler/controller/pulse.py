"""Whether every thread of the controller is still at work. Layer: controller."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bundler.ports import Clock

MAX_SILENCE_S: Final = 60.0


class Pulse:
    """When each thread was last heard of. Safe to use from several of them."""

    def __init__(self, clock: Clock) -> None:
        """Know of no thread yet."""
        self._clock = clock
        self._guard = threading.Lock()
        self._heard: dict[str, float] = {}

    def beat(self, name: str) -> None:
        """Note that a thread is at work, or waits for work as it should."""
        with self._guard:
            self._heard[name] = self._clock.monotonic()

    def forget(self, name: str) -> None:
        """Note that a thread has ended, and may."""
        with self._guard:
            self._heard.pop(name, None)

    def silent(self) -> tuple[str, ...]:
        """Return the threads that were not heard of for a minute; sorted."""
        latest = self._clock.monotonic() - MAX_SILENCE_S
        with self._guard:
            return tuple(sorted(name for name, heard_s in self._heard.items() if heard_s < latest))
