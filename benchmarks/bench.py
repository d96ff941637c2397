"""The pairs that are run, and the table that they come to."""

from __future__ import annotations

import os
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import workload
from benchmarks.measure import Sample, median_ratio, median_wall, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RELEASE = "items"


@dataclass
class Row:
    """One line of the table: our runs and the runs of one peer."""

    work: str
    peer: str
    limit: float
    ours: list[Sample] = field(default_factory=list)
    theirs: list[Sample] = field(default_factory=list)
    limit_memory: float | None = None

    def lines(self) -> list[str]:
        ratio = median_ratio(self.ours, self.theirs)
        shown = [f"{median_wall(self.ours):8.3f}", f"{median_wall(self.theirs):8.3f}", f"{ratio:6.2f}"]
        found = [self._line(self.work, self.peer, *shown, self.limit, is_met=ratio <= self.limit)]
        if all(sample.cpu_s for sample in (*self.ours, *self.theirs)):
            cpu = [statistics.median(sample.cpu_s for sample in samples) for samples in (self.ours, self.theirs)]
            shown = [f"{cpu[0]:8.3f}", f"{cpu[1]:8.3f}", f"{cpu[0] / cpu[1]:6.2f}"]
            found.append(self._line("  processor time", self.peer, *shown, None, is_met=True))
        if self.limit_memory is not None:
            memory = [max(sample.rss_mib for sample in samples) for samples in (self.ours, self.theirs)]
            ratio = memory[0] / memory[1]
            shown = [f"{memory[0]:5.0f} MB", f"{memory[1]:5.0f} MB", f"{ratio:6.2f}"]
            is_met = ratio <= self.limit_memory
            found.append(self._line("  peak memory", self.peer, *shown, self.limit_memory, is_met=is_met))
        return found

    def _line(
        self, work: str, peer: str, ours: str, theirs: str, ratio: str, limit: float | None, *, is_met: bool
    ) -> str:
        met = "   " if limit is None else "yes" if is_met else "NO "
        bound = "     " if limit is None else f"{limit:5.2f}"
        return f"| {work:<34} | {peer:<26} | {ours} | {theirs} | {ratio} | {bound} | {met} |"


class Bench:
    """Everything one measurement needs."""

    def __init__(self, folder: Path, pairs: int) -> None:
        self.folder, self.pairs = folder, pairs
        self.log = folder / "output.log"
        self.rows: list[Row] = []
        self.bundler = str(Path(sys.executable).with_name("bundler"))
        self.bundle = str(workload.write_bundle(folder / "bundle"))
        self.chart = str(workload.write_chart(folder / "chart"))
        self.env = {key: text for key, text in os.environ.items() if not key.startswith("PYTHON")}
        self.env |= {"BUNDLER_CACHE_DIR": str(folder / "cache"), "BUNDLER_STATE_DIR": str(folder / "state")}
        self.env |= {f"HELM_{kind}_HOME": str(folder / "helm") for kind in ("CACHE", "CONFIG", "DATA")}

    def row(self, work: str, peer: str, limit: float, *, memory: float | None = None) -> Row:
        made = Row(work=work, peer=peer, limit=limit, limit_memory=memory)
        self.rows.append(made)
        return made

    def run(self, *argv: str, allowed: Sequence[int] = (0,)) -> Sample:
        return run(argv, log=self.log, allowed=allowed, env=self.env)

    def pair(self, row: Row, number: int, ours: Callable[[], Sample], theirs: Callable[[], Sample]) -> None:
        """Run both, in an order that changes from pair to pair."""
        steps = [(ours, row.ours), (theirs, row.theirs)]
        for work, samples in steps if number % 2 == 0 else reversed(steps):
            samples.append(work())


def table(rows: Sequence[Row]) -> str:
    """Return all rows as Markdown."""
    head = [
        f"| {'work':<34} | {'beside':<26} | {'bundler':>8} | {'peer':>8} | {'ratio':>6} | limit | met |",
        "|" + "|".join("-" * width for width in (36, 28, 10, 10, 8, 7, 5)) + "|",
    ]
    return "\n".join(head + [line for row in rows if row.ours for line in row.lines()])
