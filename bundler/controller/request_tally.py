"""How many requests a change has sent to the API server. Layer: controller."""

from __future__ import annotations

import threading
from collections import Counter


class RequestTally:
    """Counts requests by verb and status. Safe to use from several threads."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._guard = threading.Lock()
        self._counts: Counter[tuple[str, int]] = Counter()

    def count(self, verb: str, status: int) -> None:
        """Count one request.

        Args:
            verb: as RBAC names it.
            status: of the answer; 0: there was none.
        """
        with self._guard:
            self._counts[verb, status] += 1

    @property
    def counted(self) -> tuple[tuple[str, int, int], ...]:
        """Return verb, status and number, sorted."""
        with self._guard:
            return tuple((verb, status, number) for (verb, status), number in sorted(self._counts.items()))
