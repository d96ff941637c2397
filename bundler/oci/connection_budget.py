"""How much one connection may carry of a blob. Layer: adapter, pure.

A blob goes in one request, as every registry takes it. Where a proxy cuts connections after some megabytes, that would
never end: registries throw an upload away when it is cut in the middle of a request (docker-registry 2.8 does: its
session names the offset, and any other is refused). So once a connection to this host was cut, each carries no more
than half of what that one carried.
"""

from __future__ import annotations

import threading

FIRST_BYTES = 4_000_000
"""What is tried after a connection that was cut before it carried as much."""
LEAST_BYTES = 262_144
WORTH_BYTES = 2 * LEAST_BYTES
"""What a kept connection must still be able to carry to be worth a request."""
SHORT_CUTS_TO_BELIEVE = 3
"""A registry that is started again cuts every connection once, however little it carried; that is not a limit."""


class ConnectionBudget:
    """What connections to one host have carried. Threads may share it."""

    def __init__(self) -> None:
        self._ceiling = 0
        self._short_cuts = 0
        self._lock = threading.Lock()

    @property
    def ceiling(self) -> int:
        """How many bytes a connection may carry, all in all; 0: as many as there are, none was cut."""
        with self._lock:
            return self._ceiling

    def carried(self, moved_bytes: int) -> None:
        """Note that a connection lived to carry so many bytes."""
        with self._lock:
            if 0 < self._ceiling <= moved_bytes + LEAST_BYTES:
                self._short_cuts = 0

    def was_cut(self, moved_bytes: int) -> None:
        """Note that a connection ended after so many bytes."""
        with self._lock:
            if moved_bytes < FIRST_BYTES:
                self._short_cuts += 1
            if moved_bytes < FIRST_BYTES and self._short_cuts < SHORT_CUTS_TO_BELIEVE:
                self._ceiling = min(self._ceiling or FIRST_BYTES, FIRST_BYTES)
                return
            seen = min(moved_bytes, self._ceiling * 2) if self._ceiling else moved_bytes
            self._ceiling = max(LEAST_BYTES, seen // 2)
