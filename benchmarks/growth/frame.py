"""Measure the same work at two sizes, and say by which power its cost grows.

A row is a function that prepares the work for a size and returns it; the module that holds it is found by itself:

    @growth("derive: a chain of formulas", small=250, large=1000)
    def derive_chain(size: int) -> Work:
        bundle = ...
        return lambda: compute_values(bundle, UserLayers())
"""

from __future__ import annotations

import importlib
import math
import pkgutil
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import benchmarks.growth

Work = Callable[[], object]

LIMIT = 1.3
"""An exponent above it is marked: linear work comes to about 1.0, quadratic work to 2.0."""
_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthRow:
    """One kind of work and the two sizes it is measured at."""

    work: str
    small: int
    large: int
    prepare: Callable[[int], Work]


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What one row came to."""

    row: GrowthRow
    small_s: float
    large_s: float

    @property
    def exponent(self) -> float:
        """1.0 where twice the work costs twice the time."""
        return math.log(self.large_s / self.small_s) / math.log(self.row.large / self.row.small)

    def line(self) -> str:
        row = self.row
        met = "yes" if self.exponent <= LIMIT else "NO "
        return (
            f"| {row.work:<50} | {row.small:>7,} | {row.large:>7,} | {self.small_s:8.3f} | {self.large_s:8.3f} "
            f"| {self.exponent:8.2f} | {met} |"
        )


_ROWS: list[GrowthRow] = []


def growth(work: str, *, small: int, large: int) -> Callable[[Callable[[int], Work]], Callable[[int], Work]]:
    """Make a row of a function that prepares ``work`` for a size.

    Choose sizes that take at least some hundredths of a second, so that the clock and the first call do not decide.
    """

    def register(prepare: Callable[[int], Work]) -> Callable[[int], Work]:
        _ROWS.append(GrowthRow(work=work, small=small, large=large, prepare=prepare))
        return prepare

    return register


def measure_growth() -> None:
    """Measure all rows, and print each as soon as it is known."""
    for module in pkgutil.iter_modules(benchmarks.growth.__path__):
        importlib.import_module(f"benchmarks.growth.{module.name}")
    print("\n".join(_head()))
    for row in _ROWS:
        print(_measured(row).line(), flush=True)


def _head() -> Sequence[str]:
    widths = (52, 9, 9, 10, 10, 10, 5)
    return (
        f"| {'work':<50} | {'small':>7} | {'large':>7} | {'small s':>8} | {'large s':>8} | exponent | met |",
        "|" + "|".join("-" * width for width in widths) + "|",
    )


def _measured(row: GrowthRow) -> Growth:
    _seconds(row.prepare(row.small))  # what is loaded, compiled and cached the first time
    small_s = min(_seconds(row.prepare(row.small)) for _ in range(_TRIES))
    large_s = min(_seconds(row.prepare(row.large)) for _ in range(_TRIES))
    return Growth(row=row, small_s=small_s, large_s=large_s)


def _seconds(work: Work) -> float:
    """Return the processor time of ``work``, child processes included."""
    before = _processor_seconds()
    work()
    return max(_processor_seconds() - before, 0.0001)


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
