"""Measure bundler beside its peers on one control plane: `python benchmarks/run.py [--pairs N] [--only PART ...]`.

Every number is a median over pairs: one run of bundler and one of the peer, one after the other, the order changing
from pair to pair. Parts: start, template, delivery, release, wait, list.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import workload  # noqa: E402
from benchmarks.delivery import measure_delivery  # noqa: E402
from benchmarks.measure import Sample, median_ratio, median_wall, run, timed  # noqa: E402
from benchmarks.peers import find_peers  # noqa: E402
from benchmarks.raw import RawLimit  # noqa: E402
from tests.lib.controlplane import HOW_TO_GET, ControlPlane, find_binaries  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PARTS = ("start", "template", "delivery", "release", "wait", "list")
LISTED_RELEASES = 1000
LISTED_OBJECTS = 24
"""In each release that is listed: what a usual application has. Helm reads them all, bundler metadata alone."""
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


def measure_start(bench: Bench) -> None:
    small = str(ROOT / "bundles" / "redis")
    rows = [
        (bench.row("--version", "python -c ''", 4), [bench.bundler, "--version"]),
        (bench.row("template of a small bundle", "python -c ''", 9), [bench.bundler, "template", small]),
    ]
    empty = [sys.executable, "-c", ""]
    for row, argv in rows:
        bench.run(*argv)
        for number in range(max(15, 3 * bench.pairs)):
            bench.pair(row, number, lambda argv=argv: bench.run(*argv), lambda: bench.run(*empty))


def measure_template(bench: Bench, helm: str) -> None:
    row = bench.row("template of 6,000 objects", "helm", 1.3, memory=1.0)
    for number in range(bench.pairs):
        bench.pair(
            row,
            number,
            lambda: bench.run(bench.bundler, "template", bench.bundle, "--set", "count=2000"),
            lambda: bench.run(helm, "template", RELEASE, bench.chart, "--set", "count=2000"),
        )


class Cluster:
    """The control plane, as whoever is measured sees it."""

    def __init__(self, bench: Bench, plane: ControlPlane) -> None:
        self.bench, self.plane = bench, plane
        self.peers = find_peers()
        self.kubeconfig = str(plane.kubeconfig("admin"))
        self._made = 0

    def namespace(self) -> str:
        self._made += 1
        name = f"bench-{os.getpid()}-{self._made}"
        self.plane.api(
            "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )
        return name

    def raw(self) -> RawLimit:
        return RawLimit(self.plane.server, str(self.plane.ca_file), self.plane.token)

    def bundler(self, verb: str, namespace: str, *words: str, allowed: Sequence[int] = (0,)) -> Sample:
        where = ["--kubeconfig", self.kubeconfig, "-n", namespace]
        return self.bench.run(self.bench.bundler, verb, *words, *where, allowed=allowed)

    def helm(self, verb: str, namespace: str, *words: str) -> Sample:
        return self.bench.run(
            self.peers["helm"], verb, *words, "--kubeconfig", self.kubeconfig, "--namespace", namespace
        )

    def kubectl(self, *words: str, allowed: Sequence[int] = (0,)) -> Sample:
        return self.bench.run(self.peers["kubectl"], "--kubeconfig", self.kubeconfig, *words, allowed=allowed)

    def remove(self, *namespaces: str) -> None:
        """Delete namespaces and wait: what goes on deleting would slow down whoever comes next."""
        for name in namespaces:
            self.plane.api("DELETE", f"/api/v1/namespaces/{name}")
        while any(
            item["metadata"]["name"] in namespaces for item in self.plane.api("GET", "/api/v1/namespaces")["items"]
        ):
            time.sleep(0.5)
        self.settle()

    def settle(self) -> None:
        """Give the controllers time to see what was written."""
        time.sleep(1.5)


def measure_release(bench: Bench, cluster: Cluster) -> None:
    rows = {
        "install": bench.row("install 600, not waiting", "helm", 1.35, memory=1.0),
        "raw": bench.row("install 600, not waiting", "raw apply, dry-run first", 1.25),
        "waiting": bench.row("install 600, waiting", "helm, not waiting", 1.35),
        "same": bench.row("unchanged upgrade", "helm", 0.12, memory=1.0),
        "diff": bench.row("diff, 400 of 600 changed", "kubectl diff --server-side", 0.6),
        "changed": bench.row("upgrade, 400 of 600 changed", "helm", 0.35, memory=1.0),
        "rollback": bench.row("rollback of those", "helm", 0.35, memory=1.0),
        "uninstall": bench.row("uninstall 600", "helm", 1.1, memory=1.0),
    }
    for number in range(bench.pairs):
        _release_pair(bench, cluster, rows, number)
        print(f"release: pair {number + 1} of {bench.pairs}", file=sys.stderr)


def _release_pair(bench: Bench, cluster: Cluster, rows: dict[str, Row], number: int) -> None:
    ours, theirs, waiting, plain = (cluster.namespace() for _ in range(4))
    raw = cluster.raw()
    bodies = workload.bodies(plain)
    changed = workload.write_plain(bench.folder / "changed.yaml", plain, mode="two")
    cluster.settle()

    def step(name: str, our_words: Sequence[str], their_words: Sequence[str]) -> None:
        bench.pair(
            rows[name],
            number,
            lambda: cluster.bundler(our_words[0], ours, *our_words[1:]),
            lambda: cluster.helm(their_words[0], theirs, *their_words[1:]),
        )
        cluster.settle()

    step("install", ["install", RELEASE, bench.bundle, "--no-wait"], ["install", RELEASE, bench.chart])
    rows["raw"].ours.append(rows["install"].ours[-1])
    rows["raw"].theirs.append(timed(lambda: raw.install(bodies)))
    cluster.settle()
    rows["waiting"].ours.append(cluster.bundler("install", waiting, RELEASE, bench.bundle))
    rows["waiting"].theirs.append(rows["install"].theirs[-1])
    cluster.remove(waiting)

    step("same", ["upgrade", RELEASE, bench.bundle], ["upgrade", RELEASE, bench.chart])
    two = ["--set", "mode=two"]
    bench.pair(
        rows["diff"],
        number,
        lambda: cluster.bundler("diff", ours, RELEASE, bench.bundle, *two),
        lambda: cluster.kubectl("diff", "--server-side", "--force-conflicts", "-f", str(changed), allowed=(1,)),
    )
    step(
        "changed",
        ["upgrade", RELEASE, bench.bundle, "--no-wait", *two],
        ["upgrade", RELEASE, bench.chart, *two],
    )
    step("rollback", ["rollback", RELEASE, "1", "--no-wait"], ["rollback", RELEASE, "1"])
    step("uninstall", ["uninstall", RELEASE, "--yes"], ["uninstall", RELEASE])
    raw.close()
    cluster.remove(ours, theirs, plain)


def measure_wait(bench: Bench, cluster: Cluster) -> None:
    row = bench.row("install 600, 200 Deployments of 1", "raw apply, list each 0.5 s", 1.3)
    for number in range(bench.pairs):
        ours, theirs = cluster.namespace(), cluster.namespace()
        bodies = workload.bodies(theirs, replicas=1)
        raw = cluster.raw()
        cluster.settle()

        def wait_ours(ours: str = ours) -> Sample:
            sample = cluster.bundler("install", ours, RELEASE, bench.bundle, "--set", "replicas=1")
            cluster.remove(ours)
            return sample

        def wait_theirs(raw: RawLimit = raw, bodies: list[workload.Body] = bodies, theirs: str = theirs) -> Sample:
            sample = timed(lambda: raw.apply_and_wait(bodies))
            cluster.remove(theirs)
            return sample

        bench.pair(row, number, wait_ours, wait_theirs)
        raw.close()
        print(f"wait: pair {number + 1} of {bench.pairs}", file=sys.stderr)


def measure_list(bench: Bench, cluster: Cluster) -> None:
    row = bench.row(f"list {LISTED_RELEASES:,} releases", "helm", 0.8, memory=1.0)
    ours, theirs = cluster.namespace(), cluster.namespace()
    small = ["--set", f"count={LISTED_OBJECTS // 3}"]
    cluster.bundler("install", ours, "r0000", bench.bundle, "--no-wait", *small)
    cluster.helm("install", theirs, "r0000", bench.chart, *small)
    _multiply(cluster, ours, _renamed)
    _multiply(cluster, theirs, _renamed_for_helm)
    for number in range(max(5, bench.pairs)):
        bench.pair(
            row,
            number,
            lambda: cluster.bundler("list", ours),
            lambda: cluster.helm("list", theirs, "--max", str(2 * LISTED_RELEASES)),
        )
    assert f"r{LISTED_RELEASES - 1:04}" in bench.log.read_text()
    cluster.remove(ours, theirs)


def _multiply(cluster: Cluster, namespace: str, renamed: Callable[[Any, str], Any]) -> None:
    """Make the records of one release those of a thousand."""
    raw = cluster.raw()
    records = cluster.plane.api("GET", f"/api/v1/namespaces/{namespace}/secrets")["items"]
    for item in records:
        item.pop("status", None)
        for key in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "ownerReferences"):
            item["metadata"].pop(key, None)
    path = f"/api/v1/namespaces/{namespace}/secrets"
    names = [f"r{number:04}" for number in range(1, LISTED_RELEASES)]
    raw.send_all([("POST", path, json.dumps(renamed(item, name)).encode()) for name in names for item in records])
    raw.close()


def _renamed(item: Any, name: str) -> Any:
    return {**item, "metadata": json.loads(json.dumps(item["metadata"]).replace("r0000", name))}


def _renamed_for_helm(item: Any, name: str) -> Any:
    release = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(item["data"]["release"]))))
    release["name"] = name
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    return {**_renamed(item, name), "data": {"release": packed}}


def machine() -> str:
    """Describe where the numbers come from."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"{os.cpu_count()} x {model}, {platform.system()}, Python {platform.python_version()}, load {load}"


def versions(cluster: Cluster) -> str:
    """Name the peers."""
    helm = subprocess.run(
        [cluster.peers["helm"], "version", "--short"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    server = cluster.plane.api("GET", "/version")["gitVersion"]
    return f"helm {helm}, Kubernetes {server}"


def table(rows: Sequence[Row]) -> str:
    """Return all rows as Markdown."""
    head = [
        f"| {'work':<34} | {'beside':<26} | {'bundler':>8} | {'peer':>8} | {'ratio':>6} | limit | met |",
        "|" + "|".join("-" * width for width in (36, 28, 10, 10, 8, 7, 5)) + "|",
    ]
    return "\n".join(head + [line for row in rows if row.ours for line in row.lines()])


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
        print(table(bench.rows))
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def measure(bench: Bench, parts: set[str], running: Path | None) -> None:
    """Measure the parts; a control plane is started only where one is needed."""
    if "start" in parts:
        measure_start(bench)
    if "template" in parts:
        measure_template(bench, find_peers()["helm"])
    if "delivery" in parts:
        measure_delivery(bench)
    if not parts & {"release", "wait", "list"}:
        return
    plane = ControlPlane.attach(running) if running else _start(bench.folder / "plane")
    try:
        cluster = Cluster(bench, plane)
        print(versions(cluster))
        for name, work in (("release", measure_release), ("wait", measure_wait), ("list", measure_list)):
            if name in parts:
                work(bench, cluster)
    finally:
        plane.stop()


def _start(folder: Path) -> ControlPlane:
    binaries = find_binaries()
    if binaries is None:
        raise SystemExit(f"no control plane: {HOW_TO_GET}")
    return ControlPlane.start(folder, binaries)


if __name__ == "__main__":
    sys.exit(main())
