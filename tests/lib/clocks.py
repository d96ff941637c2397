"""A clock for tests: its time passes only when someone sleeps, and then at once."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

SOON_S = 60.0
"""By then even a busy machine has ended what ends by itself; what it is told from takes longer, or never ends."""
TURN_S = 0.0002
"""Real time for other threads to get to their own sleep."""
START = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)


class FakeClock:
    """Implements bundler.ports.Clock; safe to use from several threads."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._passed_s = 0.0
        self._mutex = threading.Lock()

    def now(self) -> datetime:
        """Return the time of day."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return the seconds that passed since the start."""
        with self._mutex:
            return self._passed_s

    def sleep(self, seconds: float) -> None:
        """Let time pass nearly at once: who sleeps at the same time in other threads sleeps through the same time."""
        end_s = self.monotonic() + max(seconds, 0.0)
        time.sleep(TURN_S)
        with self._mutex:
            self._passed_s = max(self._passed_s, end_s)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._mutex:
            self._passed_s += max(seconds, 0.0)


class QuickClock:
    """The time of this machine, ten times as quick: for what waits together with threads of its own."""

    def __init__(self, times: int = 10) -> None:
        self._times, self._began = times, time.monotonic()
        self._start = datetime.now(UTC)

    def now(self) -> datetime:
        """Return the time of day."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return the seconds that seem to have passed."""
        return (time.monotonic() - self._began) * self._times

    def sleep(self, seconds: float) -> None:
        """Sleep for a part of the time."""
        time.sleep(seconds / self._times)
