"""Run a program and say how long it took and how much memory it had."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

Argv = Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run."""

    wall_s: float
    cpu_s: float = 0.0
    rss_mib: float = 0.0


class ProgramFailedError(Exception):
    """A program that is measured did not do its work."""


def run(argv: Argv, *, log: Path, allowed: Sequence[int] = (0,), env: Mapping[str, str] | None = None) -> Sample:
    """Run a program to its end with its output in a file, and measure it from outside."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [(os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
    began = time.perf_counter()
    process = os.posix_spawn(argv[0], list(argv), dict(env or os.environ), file_actions=actions)
    _, status, usage = os.wait4(process, 0)
    wall_s = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status) not in allowed:
        raise ProgramFailedError(f"{' '.join(argv)}\n{log.read_text(errors='replace')[-3000:]}")
    to_mib = 1024 if sys.platform != "darwin" else 1024 * 1024
    return Sample(wall_s=wall_s, cpu_s=usage.ru_utime + usage.ru_stime, rss_mib=usage.ru_maxrss / to_mib)


def timed(work: Callable[[], object]) -> Sample:
    """Measure a function of this process."""
    began = time.perf_counter()
    work()
    return Sample(wall_s=time.perf_counter() - began)


def median_wall(samples: Sequence[Sample]) -> float:
    """Return the median of the times in seconds."""
    return statistics.median(sample.wall_s for sample in samples)


def median_ratio(ours: Sequence[Sample], theirs: Sequence[Sample]) -> float:
    """Return the median of the ratios of runs that were made one after the other."""
    return statistics.median(one.wall_s / other.wall_s for one, other in zip(ours, theirs, strict=True))
