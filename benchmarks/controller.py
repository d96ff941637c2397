"""What a controller costs, and how quick it is: `python benchmarks/controller.py [--seconds N] [--interval I] [...]`.

What it costs while nothing differs: one release of 600 objects first, then many small ones, each with a ServiceAccount
of its own, which a new process finds when it starts. Writes are counted by the API server, of every kind that the
releases have; the Lease of the leader and what the control plane writes by itself are no part of it.

How quick it is: an object of each kind of a small release is damaged, one after the other, with and without a quiet
time between them, and all at once. Then one object is edited a hundred times per second.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import workload
from benchmarks.run import machine, start
from tests.lib.bundles import make_bundle
from tests.lib.controller_runs import OrderSite, RunningController, answer, running
from tests.lib.controller_site import define, releases_path
from tests.lib.controlplane import ControlPlane
from tests.lib.damage import CONFIG, DAMAGES, repair_seconds
from tests.lib.menus import small_bundle
from tests.lib.processes import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KINDS = frozenset({"configmaps", "services", "deployments", "secrets", "releases", "events"})
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
INSTALL_S = 900.0
SETTLED_S = 10.0
SMALL = {
    "templates/all.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ release.name }}'}\ndata: {a: b}\n"
}
QUIET_S = 8.0
EDITS_PER_S = 100
_SAMPLE = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Everything that is counted, at one moment."""

    at_s: float
    cpu_s: float
    looks: float
    writes: Counter[str]

    @classmethod
    def of(cls, controller: RunningController, metrics: str) -> Moment:
        """Return what is so now."""
        ticks = Path(f"/proc/{controller.process.pid}/stat").read_text().rpartition(") ")[2].split()[11:15]
        return cls(
            at_s=time.monotonic(),
            cpu_s=sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"),
            looks=looked(metrics),
            writes=written(controller.site.plane),
        )


def samples(page: str, name: str) -> Iterator[tuple[dict[str, str], float]]:
    """Yield the labels and values of a metric."""
    for found in _SAMPLE.finditer(page):
        if found["name"] == name:
            yield dict(_LABEL.findall(found["labels"] or "")), float(found["value"])


def written(plane: ControlPlane) -> Counter[str]:
    """Return how often objects were written that can be those of releases, their records or orders, by kind."""
    found = Counter[str]()
    for of, value in samples(plane.api_text("/metrics"), "apiserver_request_total"):
        if of["verb"] in WRITES and of["resource"] in KINDS and not of["dry_run"]:
            found[f"{of['verb']} {of['resource']}"] += int(value)
    return found


def shown(writes: Counter[str]) -> str:
    """Return how many writes there were, and of what."""
    return f"{writes.total()} writes{f' ({dict(writes)})' if writes else ''}"


def looked(metrics: str) -> float:
    """Return how often a controller has compared a release."""
    return sum(value for _, value in samples(answer(metrics, "/metrics")[1], "bundler_reconciles_total"))


def rss_mib(controller: RunningController, field: str) -> float:
    """Return the memory of the parent: VmRSS now, VmHWM at most."""
    status = Path(f"/proc/{controller.process.pid}/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long the quiet release is observed")
    parser.add_argument("--interval", default="10m", help="how often everything is compared")
    parser.add_argument("--releases", type=int, default=200)
    parser.add_argument("--repairs", type=int, default=5, help="how many releases are damaged")
    parser.add_argument("--storm", type=float, default=20.0, help="how many seconds one object is edited")
    parser.add_argument("--controlplane", type=Path, metavar="DIR", help="use the one that runs in DIR")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bundler-bench-"))
    os.environ["BUNDLER_LOCK_DURATION"] = "30s"  # as without it; tests renew the Lease ten times as often
    print(machine())
    plane = ControlPlane.attach(given.controlplane) if given.controlplane else start(folder / "plane")
    try:
        define(plane)
        if given.seconds:
            measure_quiet(_site(plane, folder, "one"), given.seconds, given.interval)
        if given.releases:
            measure_many(_site(plane, folder, "many"), given.releases)
        if given.repairs:
            measure_repairs([_site(plane, folder, f"pace-{number}") for number in range(given.repairs)])
        if given.storm:
            measure_storm(_site(plane, folder, "storm"), given.storm)
    finally:
        plane.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def measure_quiet(site: OrderSite, seconds: float, interval: str) -> None:
    """Observe one release of 600 objects in which nothing differs, by a process that did not install it."""
    site.publish(workload.write_bundle(site.scratch / "items"), "items")
    with _observed(site) as (controller, metrics):
        site.order("items", "items", interval=interval)
        site.wait(lambda: site.status("items")["is_ready"], "the release is ready", within_s=INSTALL_S)
        _settle(controller, metrics)
        print(f"after the install: {rss_mib(controller, 'VmRSS'):.0f} MB")
        controller.stop()
    with _observed(site) as (controller, metrics):
        _settle(controller, metrics)
        before = Moment.of(controller, metrics)
        time.sleep(seconds)
        after = Moment.of(controller, metrics)
        cpu_s, looks, wall_s = after.cpu_s - before.cpu_s, after.looks - before.looks, after.at_s - before.at_s
        memory = f"{rss_mib(controller, 'VmRSS'):.0f} MB, at most {rss_mib(controller, 'VmHWM'):.0f} MB"
        print(f"600 objects, {wall_s:.0f} s, compared {looks:.0f} times: {shown(after.writes - before.writes)}")
        print(f"processor: {cpu_s:.2f} s, {cpu_s / wall_s:.2%} of a core; memory {memory}")


def measure_many(site: OrderSite, count: int) -> None:
    """Start on many releases in which nothing differs."""
    site.publish(make_bundle(site.scratch / "small", SMALL), "small")
    names = [f"small-{number}" for number in range(count)]
    with _observed(site) as (controller, metrics):
        for name in names:
            site.admit(name)
            site.order(name, "small", serviceAccountName=name)
        site.wait(lambda: _ready(site) == count, f"{count} releases are ready", within_s=INSTALL_S)
        print(f"after the installs: {rss_mib(controller, 'VmRSS'):.0f} MB")
        controller.stop()
    began_s = time.monotonic()
    with _observed(site) as (controller, metrics):
        ready_s = time.monotonic() - began_s
        before = written(site.plane)
        site.wait(lambda: looked(metrics) >= count, "each was compared", within_s=INSTALL_S)
        writes, all_s = written(site.plane) - before, time.monotonic() - began_s
        memory = f"{rss_mib(controller, 'VmRSS'):.0f} MB, at most {rss_mib(controller, 'VmHWM'):.0f} MB"
        print(f"{count} releases: ready after {ready_s:.1f} s, all compared after {all_s:.0f} s, {shown(writes)}")
        print(f"processor until then: {Moment.of(controller, metrics).cpu_s:.1f} s; memory {memory}")


def measure_repairs(sites: list[OrderSite]) -> None:
    """Print how long the repair of each kind takes, over some releases: what one of them loses again and again is left.

    An object of each kind is damaged, after a quiet time and without one, and then all of them at once.
    """
    alone_s, in_a_row_s, together_s = Spans(), Spans(), Spans()
    for site in sites:
        with _small(site) as (controller, metrics):
            for damage in DAMAGES:
                alone_s.add(repair_seconds(site, [damage], within_s=INSTALL_S))
                time.sleep(QUIET_S)
            for damage in DAMAGES:
                in_a_row_s.add(repair_seconds(site, [damage], within_s=INSTALL_S))
            time.sleep(QUIET_S)
            together_s.add(repair_seconds(site, within_s=INSTALL_S))
            _settle(controller, metrics)
            memory = f"{rss_mib(controller, 'VmRSS'):.0f} MB, compared {looked(metrics):.0f} times"
    for name, spans in (("alone", alone_s), ("in a row", in_a_row_s), ("at once", together_s)):
        print(f"repaired {name}: {spans}")
    print(f"after {3 * len(DAMAGES)} repairs: {memory}")


@contextmanager
def _small(site: OrderSite) -> Iterator[tuple[RunningController, str]]:
    """Run a controller that keeps a small release in which nothing differs."""
    site.publish(small_bundle(site.scratch), "small")
    with _observed(site) as (controller, metrics):
        site.order("shop", "small", interval="1h")
        site.wait(lambda: site.status("shop")["is_ready"], "the release is ready", within_s=INSTALL_S)
        _settle(controller, metrics)
        yield controller, metrics


class Spans(defaultdict[str, list[float]]):
    """Seconds that something took, again and again."""

    def __init__(self) -> None:
        super().__init__(list)

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add how long each took this time."""
        for name, took_s in seconds.items():
            self[name].append(took_s)

    def __str__(self) -> str:
        return "; ".join(f"{name} {min(took_s):.2f} to {max(took_s):.2f} s" for name, took_s in self.items())


def measure_storm(site: OrderSite, storm_s: float) -> None:
    """Edit one object again and again, and count how often the release is compared."""
    with _small(site) as (_, metrics):
        before, began_s, edits = looked(metrics), time.monotonic(), 0
        while (now_s := time.monotonic()) < began_s + storm_s:
            if edits < (now_s - began_s) * EDITS_PER_S:
                edits += 1
                site.edit(CONFIG, {"data": {"text": f"mine {edits}"}})
            else:
                time.sleep(0.001)
        looks, wall_s = looked(metrics) - before, time.monotonic() - began_s
        conditions = ", ".join(one["reason"] for one in site.status("shop")["conditions"].values())
        print(f"{edits} edits in {wall_s:.1f} s: compared {looks:.0f} times; then {conditions}")


def _site(plane: ControlPlane, folder: Path, name: str) -> OrderSite:
    namespace, scratch = f"bench-{name}-{os.getpid()}", folder / name
    scratch.mkdir()
    plane.api("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    site = OrderSite(plane, namespace, scratch)
    site.admit()
    return site


@contextmanager
def _observed(site: OrderSite) -> Iterator[tuple[RunningController, str]]:
    """Run a controller until it is ready; yield it with the address of its metrics."""
    health, metrics = (f"127.0.0.1:{port}" for port in free_ports(2))
    with running(site, "--health", health, "--metrics", metrics) as controller:
        is_ready = lambda: answer(health, "/readyz")[0] == 200 and controller.says("this copy leads")  # noqa: E731
        site.wait(is_ready, "the controller is ready", within_s=INSTALL_S)
        yield controller, metrics


def _settle(controller: RunningController, metrics: str) -> None:
    """Wait until nothing has been written for a while."""
    seen, since_s = written(controller.site.plane), time.monotonic()
    while time.monotonic() < since_s + SETTLED_S or not looked(metrics):
        time.sleep(1.0)
        if (now := written(controller.site.plane)) != seen:
            seen, since_s = now, time.monotonic()


def _ready(site: OrderSite) -> int:
    orders = site.plane.api("GET", releases_path(site.namespace))["items"]
    conditions = (one for order in orders for one in order.get("status", {}).get("conditions", ()))
    return sum((one["type"], one["status"]) == ("Ready", "True") for one in conditions)


if __name__ == "__main__":
    sys.exit(main())
