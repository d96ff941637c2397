"""Releases on a control plane: install, upgrade, diff, rollback, uninstall, wait, list."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks import workload
from benchmarks.bench import RELEASE
from benchmarks.measure import Sample, timed
from benchmarks.peers import find_peers
from benchmarks.raw import RawLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.bench import Bench, Row
    from tests.lib.controlplane import ControlPlane

LISTED_RELEASES = 1000
LISTED_OBJECTS = 24
"""In each release that is listed: what a usual application has. Helm reads them all, bundler metadata alone."""


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
        """Delete namespaces and wait: what continues deleting would slow down whoever comes next."""
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
        "same": bench.row("unchanged upgrade, not waiting", "helm", 0.12, memory=1.0),
        "diff": bench.row("diff, 400 of 600 changed", "kubectl diff --server-side", 0.6),
        "changed": bench.row("upgrade, 400 of 600 changed", "helm", 0.35, memory=1.0),
        "version": bench.row("new version, 1 of 600 changed", "helm", 0.2, memory=1.0),
        "rollback": bench.row("rollback of both", "helm", 0.35, memory=1.0),
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

    # Waiting, it would first wait for what the install did not, and record that.
    step("same", ["upgrade", RELEASE, bench.bundle, "--no-wait"], ["upgrade", RELEASE, bench.chart])
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
    next_bundle = str(workload.write_next_bundle(bench.folder / "next-bundle"))
    next_chart = str(workload.write_next_chart(bench.folder / "next-chart"))
    step(
        "version",
        ["upgrade", RELEASE, next_bundle, "--no-wait", "--set", "mode=two"],
        ["upgrade", RELEASE, next_chart, "--set", "mode=two"],
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


def versions(cluster: Cluster) -> str:
    """Name the peers."""
    helm = subprocess.run(
        [cluster.peers["helm"], "version", "--short"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.strip()
    server = cluster.plane.api("GET", "/version")["gitVersion"]
    return f"helm {helm}, Kubernetes {server}"
