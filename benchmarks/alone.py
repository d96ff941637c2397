"""What needs no cluster: starting, and rendering."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench import RELEASE
from benchmarks.workload import write_long_bundle

if TYPE_CHECKING:
    from benchmarks.bench import Bench

SMALL_BUNDLE = Path(__file__).resolve().parents[1] / "bundles" / "redis"


def measure_start(bench: Bench) -> None:
    rows = [
        (bench.row("--version", "python -c ''", 4), [bench.bundler, "--version"]),
        (bench.row("template of a small bundle", "python -c ''", 11), [bench.bundler, "template", str(SMALL_BUNDLE)]),
    ]
    empty = [sys.executable, "-c", ""]
    for row, argv in rows:
        bench.run(*argv)
        for number in range(max(15, 3 * bench.pairs)):
            bench.pair(row, number, lambda argv=argv: bench.run(*argv), lambda: bench.run(*empty))


def measure_template(bench: Bench, helm: str) -> None:
    row = bench.row("template of 6,000 objects", "helm", 1.6, memory=1.0)
    for number in range(bench.pairs):
        bench.pair(
            row,
            number,
            lambda: bench.run(bench.bundler, "template", bench.bundle, "--set", "count=2000"),
            lambda: bench.run(helm, "template", RELEASE, bench.chart, "--set", "count=2000"),
        )
    measure_lint(bench)


def measure_lint(bench: Bench) -> None:
    long = str(write_long_bundle(bench.folder / "long"))
    row = bench.row("lint of a template of 2 MB", "template of the same", 4)
    bench.run(bench.bundler, "template", long)
    for number in range(bench.pairs):
        bench.pair(
            row,
            number,
            lambda: bench.run(bench.bundler, "lint", long),
            lambda: bench.run(bench.bundler, "template", long),
        )
