"""A cluster that is worth watching: its watches tell what the test lets them tell."""

from __future__ import annotations

import threading
import time
from collections import Counter
from queue import Queue
from typing import TYPE_CHECKING, Self

from tests.lib.faulty import FaultyCluster

if TYPE_CHECKING:
    from bundler.model.cluster import Listing, ListQuery, WatchEvent
    from bundler.ports import ClusterClient


class Bell:
    """One open watch."""

    def __init__(self, query: ListQuery, version: str) -> None:
        self.query, self.version = query, version
        self.is_closed = False
        self._events: Queue[WatchEvent | BaseException | None] = Queue()
        self._is_answering = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> WatchEvent:
        if self._is_answering:
            self._events.task_done()
        self._is_answering = True
        event = self._events.get()
        if event is None:
            raise StopIteration
        if isinstance(event, BaseException):
            self.is_closed = True
            raise event
        return event

    def tell(self, event: WatchEvent | BaseException) -> None:
        self._events.put(event)

    def close(self) -> None:
        self.is_closed = True
        self._events.put(None)

    def wait_heard(self) -> None:
        """Return when whoever listens asks for what comes next, or has left."""
        end_s = time.monotonic() + 60
        while self._events.unfinished_tasks and not self.is_closed:
            assert time.monotonic() < end_s, "no one listens"
            time.sleep(0.0002)


class RingingCluster(FaultyCluster):
    """Any cluster; lists are counted by kind, watches are rung by hand."""

    is_worth_watching = True

    def __init__(self, cluster: ClusterClient) -> None:
        super().__init__(cluster, counts=lambda verb, dry: verb == "watch")
        self.lists: Counter[str] = Counter()
        self.bells: list[Bell] = []
        self._lock = threading.Lock()

    def list(self, query: ListQuery) -> Listing:
        with self._lock:
            self.lists[query.kind] += 1
        return super().list(query)

    def watch(self, query: ListQuery, *, resource_version: str, timeout_s: float) -> Bell:
        bell = self._through("watch", query, lambda: Bell(query, resource_version))
        with self._lock:
            self.bells.append(bell)
        return bell

    def open_bells(self) -> list[Bell]:
        with self._lock:
            return [bell for bell in self.bells if not bell.is_closed]
