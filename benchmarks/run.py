"""Measure bundler beside its peers on one control plane: `python benchmarks/run.py [--pairs N] [--only PART ...]`.

Every number is a median over pairs: one run of bundler and one of the peer, one after the other, the order changing
from pair to pair. Parts: start, template, delivery, release, wait, list, plans; and growth, which has no peer.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.alone import measure_start, measure_template
from benchmarks.bench import Bench, table
from benchmarks.delivery import measure_delivery
from benchmarks.growth.frame import measure_growth
from benchmarks.peers import find_peers
from benchmarks.plans import measure_plans
from benchmarks.releases import Cluster, measure_list, measure_release, measure_wait, versions
from tests.lib.controlplane import HOW_TO_GET, ControlPlane, find_binaries

PARTS = ("start", "template", "delivery", "release", "wait", "list", "plans", "growth")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--controlplane", type=Path, metavar="DIR", help="use the one that runs in DIR")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bundler-bench-"))
    bench = Bench(folder, given.pairs)
    print(machine())
    try:
        measure(bench, set(given.only), given.controlplane)
    finally:
        if bench.rows:
            print(table(bench.rows))
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def measure(bench: Bench, parts: set[str], running: Path | None) -> None:
    """Measure the parts; a control plane is started only where one is needed."""
    if "growth" in parts:
        measure_growth()
    if "start" in parts:
        measure_start(bench)
    if "template" in parts:
        measure_template(bench, find_peers()["helm"])
    if "delivery" in parts:
        measure_delivery(bench)
    on_cluster = {"release": measure_release, "wait": measure_wait, "list": measure_list, "plans": measure_plans}
    if not parts & set(on_cluster):
        return
    plane = ControlPlane.attach(running) if running else start(bench.folder / "plane")
    try:
        cluster = Cluster(bench, plane)
        print(versions(cluster))
        for name, work in on_cluster.items():
            if name in parts:
                work(bench, cluster)
    finally:
        plane.stop()


def start(folder: Path) -> ControlPlane:
    """Start a control plane."""
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit(f"no control plane: {HOW_TO_GET}")
    return ControlPlane.start(folder, binaries)


def machine() -> str:
    """Describe where the numbers come from."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"{os.cpu_count()} x {model}, {platform.system()}, Python {platform.python_version()}, load {load}"


if __name__ == "__main__":
    sys.exit(main())
