"""How much one connection may carry of an upload. Layer: adapter, pure.

A proxy that cuts connections after some megabytes, and a registry that throws an upload away when it is cut in the
middle of a request (docker-registry 2.8 does: its session names the offset, and any other is refused), would together
let no large blob through, or send it over and over. So a connection carries no more than connections to this host have
been seen to carry, and more is dared only in the first part of a blob, where a cut costs little.
"""

from __future__ import annotations

import threading

FIRST_BYTES = 4_000_000
"""Trusted from the start."""
LEAST_BYTES = 262_144
WORTH_BYTES = 2 * LEAST_BYTES
"""What a kept connection must still be able to carry to be worth a request."""
SHORT_CUTS_TO_BELIEVE = 3
"""A registry that is started anew cuts every connection once, however little it carried; that is no limit."""
DARED_RATIO = 0.15
"""Of a blob: what may be lost to a cut, all its cuts together. With what is trusted unseen it stays below a fifth."""


class Endurance:
    """What connections to one host have carried. Threads may share it."""

    def __init__(self) -> None:
        self._proven = FIRST_BYTES
        self._ceiling = 0
        self._short_cuts = 0
        self._lock = threading.Lock()

    def limit(self, *, carried: int, size: int, offset: int, lost: int) -> int:
        """Return how many bytes a connection may carry, all in all.

        Args:
            carried: what it carried so far.
            size: of the blob.
            offset: from which it is to be sent.
            lost: bytes of this blob that were sent in vain so far.
        """
        with self._lock:
            if self._ceiling:
                return max(LEAST_BYTES, self._ceiling)
            dared = int(size * DARED_RATIO) - offset - lost
            return max(self._proven, carried + dared)

    @property
    def ceiling(self) -> int:
        """How many bytes connections have been cut above; 0 where none was."""
        with self._lock:
            return self._ceiling

    def carried(self, moved_bytes: int) -> None:
        """Note that a connection lived to carry so many bytes."""
        with self._lock:
            self._proven = max(self._proven, moved_bytes)
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
