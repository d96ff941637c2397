"""Read what a value is set to in turn: ``qps=100..20000``, ``qps=100,200``. Layer: values, pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from bundler.errors.bundle import ValuesPathError
from bundler.model.sweep import Sweep
from bundler.values.paths import parse_path

MAX_POINTS: Final = 1000
_RANGE: Final = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)\.\.(-?[0-9]+(?:\.[0-9]+)?)(?:/([0-9]{1,4}))?")
_WIDE: Final = 20
"""From this ratio of its ends on, a range is stepped through by factors."""
_STEPS: Final = 8


def parse_sweep(text: str, *, is_fine: bool = False) -> Sweep:
    """Read ``PATH=A..B``, ``PATH=A..B/COUNT`` or ``PATH=A,B,C``.

    Args:
        text: as typed.
        is_fine: take enough points of a range for a chart, where no count is typed.

    Raises:
        ValuesPathError: when it is none of these.
    """
    path, equals, spelled = text.partition("=")
    parse_path(path)
    if not equals or not spelled:
        raise _unreadable(text, "there is nothing to set it to")
    if (match := _RANGE.fullmatch(spelled)) is None:
        return Sweep(path=path, points=tuple(dict.fromkeys(spelled.split(","))))
    low, high, typed = float(match[1]), float(match[2]), match[3]
    count = int(typed) if typed else 64 if is_fine else 0
    if low >= high or count == 1 or count > MAX_POINTS or (typed and not count):
        raise _unreadable(text, f"a range goes up, in 2 to {MAX_POINTS} points")
    found = _spaced(low, high, count) if count else _round_points(low, high)
    is_whole = "." not in match[1] + match[2]
    texts = (str(round(one)) if is_whole else f"{round(one, 6):g}" for one in found)
    return Sweep(path=path, points=tuple(dict.fromkeys(texts)))


def _unreadable(text: str, found: str) -> ValuesPathError:
    return ValuesPathError(
        f"reading --sweep {text}", context=[found], hint="write qps=100..20000, qps=100..20000/50 or qps=100,200,500"
    )


def _round_points(low: float, high: float) -> Sequence[float]:
    """Return both ends and what people count in between: 1, 2 and 5 times the powers of ten, or equal steps."""
    if not _is_wide(low, high):
        return _spaced(low, high, _STEPS)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    between = [factor * 10.0**exponent for exponent in exponents for factor in (1, 2, 5)]
    return [low, *(one for one in between if low < one < high), high]


def _spaced(low: float, high: float, count: int) -> Sequence[float]:
    parts = [index / (count - 1) for index in range(count)]
    if _is_wide(low, high):
        return [low * (high / low) ** part for part in parts]
    return [low + (high - low) * part for part in parts]


def _is_wide(low: float, high: float) -> bool:
    return low > 0 and high / low >= _WIDE
