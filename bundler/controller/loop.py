"""The loop of the copy that leads: watches ring, and threads look at orders. Layer: controller."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

from bundler.concurrency import in_thread
from bundler.controller.bells import Bells, Holding, facts_of
from bundler.controller.queue import DueLook, LookQueue, take_looks
from bundler.controller.watch_health import WatchHealth
from bundler.controller.watches import Stream, Watches
from bundler.model.lean import dataclass
from bundler.model.refs import ref_of

if TYPE_CHECKING:
    from bundler import ClusterClient, ObjectRef
    from bundler.controller.changes import Changes
    from bundler.controller.orders import Orders
    from bundler.controller.process import Instruments
    from bundler.controller.reconcile import Reconciler
    from bundler.model.json import Body

LOOKS_AT_ONCE: Final = 4
_JOIN_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """How orders are looked at."""

    namespaces: tuple[str, ...] = ()
    """Whose orders are kept; empty: all."""
    looks_at_once: int = LOOKS_AT_ONCE
    holds: Callable[[ObjectRef], bool] = lambda _: True
    """Whether an order is one of those that this controller keeps, where several share them."""


class Loop:
    """Looks at orders in threads, and is rung by watches: the work of `bundler.controller.process`."""

    def __init__(
        self, cluster: ClusterClient, orders: Orders, instruments: Instruments, settings: LoopSettings
    ) -> None:
        """Begin nothing yet; :meth:`use` says who looks.

        Args:
            cluster: acts as the controller.
            orders: which there are.
            instruments: what is observed.
            settings: how many at once, and whose.
        """
        self._orders, self._instruments, self._settings = orders, instruments, settings
        self.queue = LookQueue(instruments.clock)
        self._bells = Bells(self._ring)
        self._health = WatchHealth(instruments, "orders")
        self._watches = Watches(cluster, self._bells, self._health, namespaces=settings.namespaces)
        self._streams: list[Stream] = []
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._reconciler: Reconciler | None = None
        self._changes: Changes | None = None

    def use(self, reconciler: Reconciler, changes: Changes) -> None:
        """Say who looks at orders.

        Args:
            reconciler: looks at one.
            changes: that it begins.
        """
        self._reconciler, self._changes = reconciler, changes

    def start(self) -> None:
        """Begin to watch orders, and to look at them."""
        for source in self._orders.sources:
            for query in source.queries:
                self._streams.append(self._watches.watch(query, self._order_moved, self._begin))
        for number in range(self._settings.looks_at_once):
            thread = in_thread(self._work, f"looks {number + 1}", name=f"looks {number + 1}")
            self._threads.append(thread)
            thread.start()

    @property
    def is_ready(self) -> bool:
        """Whether all orders were listed, and may still be."""
        return all(stream.is_listed for stream in self._streams)

    @property
    def troubles(self) -> tuple[str, ...]:
        """Why orders are not watched, or not even listed; a line each."""
        found = (self._health.trouble(stream.query) for stream in self._streams)
        return tuple(dict.fromkeys(one for one in found if one))

    def close(self) -> None:
        """Begin no further look, end the watches, interrupt the changes, and wait for all of them."""
        self._stopping.set()
        self._watches.close()
        if self._changes:
            self._changes.close()
        for thread in self._threads:
            thread.join(_JOIN_S)

    def hold(self, holding: Holding) -> None:
        """Watch what an order holds."""
        if self._bells.hold(holding):
            self._watches.tend()

    def _ring(self, key: ObjectRef, is_brief: bool) -> None:  # noqa: FBT001 - as bells ring
        """Ring an order: what moves while we change its release is mostly our own doing, and the end of that rings."""
        is_ours = self._changes is not None and self._changes.under_way(key) is not None
        self.queue.ring(key, is_brief=is_brief or is_ours)

    def _begin(self, keys: Collection[ObjectRef]) -> None:
        self.queue.begin([key for key in keys if self._settings.holds(key)])

    def _order_moved(self, body: Body, before: bytes | None) -> None:
        """Ring an order whose spec or metadata changed; what is said of it wakes those that depend on it alone."""
        is_news = before is None or before != facts_of(body)
        if is_news and self._settings.holds(ref_of(body)):
            self.queue.ring(ref_of(body))
        self._bells.moved(body, before)

    def _work(self, name: str) -> None:
        take_looks(
            self.queue,
            self._look,
            self._instruments,
            name=name,
            is_over=self._stopping.is_set,
            on_looked=self._instruments.metrics.reconciled,
        )

    def _look(self, look: DueLook) -> float | None:
        self._instruments.metrics.queue(self.queue.depth, self.queue.oldest_s)
        again_s = self._reconciler.reconcile(look.key, is_brief=look.is_brief) if self._reconciler else None
        if again_s is None:
            self._bells.drop(look.key)
        return again_s
