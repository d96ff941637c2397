"""A saved plan of a large release: written, read back, and carried out where nothing changed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks import workload
from benchmarks.bench import RELEASE
from benchmarks.measure import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.releases import Cluster

MAX_PLAN_BYTES = 2 * 1024**2


def measure_plans(bench: Bench, cluster: Cluster) -> None:
    rows = (
        bench.row("apply an unchanged plan of 3,000", "helm upgrade", 0.1, memory=1.0),
        bench.row("plan of 3,000, written and read", "diff", 3.0),
    )
    bundle, chart = map(str, workload.write_large(bench.folder))
    ours, theirs = cluster.namespace(), cluster.namespace()
    bench.run(bench.bundler, "template", bundle)
    size = bench.log.stat().st_size
    cluster.bundler("install", ours, RELEASE, bundle)  # waited for: else the first apply records that
    cluster.helm("install", theirs, RELEASE, chart)
    cluster.settle()
    same, other = bench.folder / "same.plan", bench.folder / "other.plan"
    for number in range(bench.pairs):
        _written(cluster, ours, bundle, same)
        bench.pair(
            rows[0],
            number,
            lambda: cluster.bundler("apply", ours, str(same)),
            lambda: cluster.helm("upgrade", theirs, RELEASE, chart),
        )
        bench.pair(
            rows[1],
            number,
            lambda: _both(
                _written(cluster, ours, bundle, other, "--set", "mode=two"), cluster.bundler("show", ours, str(other))
            ),
            lambda: cluster.bundler("diff", ours, RELEASE, bundle, "--set", "mode=two"),
        )
        print(f"plans: pair {number + 1} of {bench.pairs}", file=sys.stderr)
    plan_bytes = max(path.stat().st_size for path in (same, other))
    met = "" if plan_bytes <= MAX_PLAN_BYTES else ", which is too much"
    print(f"plan file of 3,000 objects with {size / 1024**2:.1f} MiB: {plan_bytes / 1024**2:.2f} MiB{met}")
    cluster.remove(ours, theirs)


def _written(cluster: Cluster, namespace: str, bundle: str, path: Path, *words: str) -> Sample:
    path.unlink(missing_ok=True)
    return cluster.bundler("plan", namespace, RELEASE, bundle, "--out", str(path), *words)


def _both(one: Sample, other: Sample) -> Sample:
    return Sample(
        wall_s=one.wall_s + other.wall_s, cpu_s=one.cpu_s + other.cpu_s, rss_mib=max(one.rss_mib, other.rss_mib)
    )
