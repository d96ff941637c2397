"""The system's time. Layer: library, adapter of the Clock port."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

_EVEN_ASLEEP = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux stops its monotonic clock while the machine sleeps, and a lease of ours ends meanwhile; macOS does not."""


class SystemClock:
    """Time, told and spent."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        return datetime.fromtimestamp(time.time(), tz=UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back, and that pass while the machine sleeps."""
        return time.clock_gettime(_EVEN_ASLEEP)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        threading.Event().wait(max(0.0, seconds))
