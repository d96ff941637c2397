"""The lines of a text in which many places are looked up. Layer: render, pure.

Only the last text is remembered: its problems and findings come one after the other.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate


@lru_cache(maxsize=1)
def lines_of(text: str) -> tuple[str, ...]:
    """Return the lines of ``text`` without their ends."""
    return tuple(text.split("\n"))


@lru_cache(maxsize=1)
def _starts_of(text: str) -> tuple[int, ...]:
    return tuple(accumulate((len(line) + 1 for line in lines_of(text)), initial=0))


def offset_of_line(text: str, line: int) -> int:
    """Return where a line (from 1) begins; the last one where there are not so many."""
    starts = _starts_of(text)
    return starts[min(line, len(starts) - 1) - 1]
