"""The system's time. Layer: cli, adapter of the Clock port."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class SystemClock:
    """Time, told and spent."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        return datetime.fromtimestamp(time.time(), tz=UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        threading.Event().wait(max(0.0, seconds))
