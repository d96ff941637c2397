"""How soon one order is looked at after something rang. Layer: controller, pure; the times are the caller's.

A ring after a quiet time is answered at once, and so are a few in a row: what spoils is put back within seconds. Many
rings in a row are answered once in a while, however many they are.
"""

from __future__ import annotations

from typing import Final

DEBOUNCE_S: Final = 0.25
"""Between a ring and the look: what comes in a bunch is looked at once."""
SPACING_S: Final = 5.0
"""Between the beginnings of two looks while rings do not end."""
QUICK: Final = 12
"""So many rings are answered at once; one more for every :data:`SPACING_S` without a ring. A storm uses them up before
its first look."""


class Pace:
    """The clock of one order."""

    def __init__(self) -> None:
        """Begin with everything quiet."""
        self._begun_s = self._rung_s = -float("inf")
        self._quick = QUICK

    def begin(self, now_s: float) -> None:
        """Note that a look begins."""
        self._begun_s = now_s

    def rung_s(self, now_s: float) -> float:
        """Return when to look after a ring at this time that the controller did not cause."""
        quiet_s = now_s - self._rung_s
        self._rung_s = now_s
        self._quick = QUICK if quiet_s >= QUICK * SPACING_S else min(QUICK, self._quick + int(quiet_s / SPACING_S))
        due_s = self.soon_s(now_s)
        self._quick = max(self._quick - 1, 0)
        return due_s

    def soon_s(self, now_s: float) -> float:
        """Return when to look after the end of a correction at this time: at once, unless others rang too often."""
        return now_s + DEBOUNCE_S if self._quick else self.spaced_s(now_s)

    def spaced_s(self, now_s: float) -> float:
        """Return when to look if there is no hurry."""
        return max(now_s + DEBOUNCE_S, self._begun_s + SPACING_S)
