"""What the controller counts, in the form of Prometheus. Layer: controller.

The names are an interface: dashboards and alerts use them.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from bundler.controller.status import Phase
from bundler.controller.web import Answer

_LOOK_BUCKETS_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_CHANGE_BUCKETS_S: Final = (1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
_STATUSES: Final = ("True", "False", "Unknown")


class Metrics:
    """The numbers of one controller. Safe to use from several threads."""

    def __init__(self) -> None:
        """Begin at nothing."""
        registry = self._registry = CollectorRegistry()
        self._releases = Gauge("bundler_releases", "Orders, by phase.", ["phase"], registry=registry)
        self._conditions = Gauge(
            "bundler_release_condition",
            "1 for the status that a condition of an order has, 0 for the others.",
            ["namespace", "name", "type", "status"],
            registry=registry,
        )
        self._reconciles = Counter(
            "bundler_reconciles", "Orders that were compared with their releases.", ["result"], registry=registry
        )
        self._reconcile_s = Histogram(
            "bundler_reconcile_seconds", "How long that took.", buckets=_LOOK_BUCKETS_S, registry=registry
        )
        self._changes = Counter("bundler_changes", "Changes of releases.", ["kind", "result"], registry=registry)
        self._change_s = Histogram(
            "bundler_change_seconds", "How long they took.", ["kind"], buckets=_CHANGE_BUCKETS_S, registry=registry
        )
        self._corrections = Counter("bundler_drift_corrections", "Objects that were put back.", registry=registry)
        self._depth = Gauge("bundler_queue_depth", "Orders that wait to be compared.", registry=registry)
        self._oldest_s = Gauge("bundler_queue_oldest_seconds", "How long the first of them waits.", registry=registry)
        self._restarts = Counter("bundler_watch_restarts", "Watches that began again.", ["kind"], registry=registry)
        self._requests = Counter(
            "bundler_api_requests",
            "Requests to the API server, each try; code 0: no answer. Those of a change count when it is over, and of "
            "one that was killed they are not known.",
            ["verb", "code"],
            registry=registry,
        )
        self._unwatched = Gauge("bundler_unwatched", "1 while a kind cannot be watched.", ["kind"], registry=registry)
        self._leader = Gauge("bundler_leader", "1 while this copy leads.", registry=registry)
        self._shown: dict[tuple[str, str], set[str]] = {}
        self._guard = threading.Lock()
        self._broken: defaultdict[str, set[object]] = defaultdict(set)

    def page(self) -> Answer:
        """Return the page that Prometheus reads."""
        text: bytes = generate_latest(self._registry)
        return Answer(200, text, str(CONTENT_TYPE_PLAIN_0_0_4))

    def lead(self, *, is_leader: bool) -> None:
        """Note whether this copy leads."""
        self._leader.set(1 if is_leader else 0)

    def reconciled(self, result: str, seconds: float) -> None:
        """Count one order that was compared with its release.

        Args:
            result: what was done about it, in one word.
            seconds: that it took.
        """
        self._reconciles.labels(result).inc()
        self._reconcile_s.observe(seconds)

    def changed(self, kind: str, result: str, seconds: float, *, corrected: int = 0) -> None:
        """Count one change.

        Args:
            kind: apply, correct or uninstall.
            result: what became of it, in one word.
            seconds: that it took.
            corrected: objects that it put back.
        """
        self._changes.labels(kind, result).inc()
        self._change_s.labels(kind).observe(seconds)
        if corrected:
            self._corrections.inc(corrected)

    def queue(self, depth: int, oldest_s: float) -> None:
        """Note how many orders wait, and how long the first of them does."""
        self._depth.set(depth)
        self._oldest_s.set(oldest_s)

    def watch_restarted(self, kind: str) -> None:
        """Count a watch that began again."""
        self._restarts.labels(kind).inc()

    def requested(self, verb: str, status: int, number: int = 1) -> None:
        """Count requests to the API server.

        Args:
            verb: as RBAC names it.
            status: of the answer; 0: there was none.
            number: of such requests.
        """
        self._requests.labels(verb, str(status)).inc(number)

    def watched(self, watch: object, kind: str, *, is_watched: bool) -> None:
        """Note whether a watch works; a kind is watched where all of its watches do.

        Args:
            watch: which one.
            kind: that it watches.
            is_watched: whether it works.
        """
        with self._guard:
            broken = self._broken[kind]
            (broken.discard if is_watched else broken.add)(watch)
            self._unwatched.labels(kind).set(1 if broken else 0)

    def orders(self, phases: Collection[str]) -> None:
        """Note the phases of all orders."""
        for phase in Phase:
            self._releases.labels(phase.value).set(sum(one == phase.value for one in phases))

    def conditions(self, namespace: str, name: str, conditions: Mapping[str, str]) -> None:
        """Note the conditions of an order; those that are gone are no longer shown.

        Args:
            namespace: of the order.
            name: of the order.
            conditions: type and status; empty: the order is gone.
        """
        key = (namespace, name)
        for gone in self._shown.get(key, set()) - conditions.keys():
            for status in _STATUSES:
                self._conditions.remove(namespace, name, gone, status)
        for kind, found in conditions.items():
            for status in _STATUSES:
                self._conditions.labels(namespace, name, kind, status).set(1 if found == status else 0)
        self._shown[key] = set(conditions)
        if not conditions:
            del self._shown[key]
