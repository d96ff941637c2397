"""A small thread pool that keeps the order of work with the same key, and a timer that feeds it."""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
import time
import traceback
import zlib
from collections.abc import Callable

Work = Callable[[], None]

RETRY_S = 0.5


class WorkQueue:
    """Runs pieces of work on a few threads; those of one key run one after the other.

    Work that ends with an OSError, which is a connection that broke, is done again a little later.
    """

    def __init__(self, threads: int) -> None:
        self._queues: list[queue.SimpleQueue[tuple[str, Work]]] = [queue.SimpleQueue() for _ in range(threads)]
        self._due: list[tuple[float, int, str, Work]] = []
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        for one in self._queues:
            threading.Thread(target=self._run_all, args=(one,), daemon=True).start()
        threading.Thread(target=self._run_timer, daemon=True).start()

    def add(self, key: str, work: Work) -> None:
        """Run `work` soon."""
        self._queues[zlib.crc32(key.encode()) % len(self._queues)].put((key, work))

    def add_later(self, delay_s: float, key: str, work: Work) -> None:
        """Run `work` after a delay."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + delay_s, next(self._numbers), key, work))
            self._changed.notify()

    def _run_all(self, pending: queue.SimpleQueue[tuple[str, Work]]) -> None:
        while True:
            key, work = pending.get()
            try:
                work()
            except OSError:
                traceback.print_exc()
                self.add_later(RETRY_S, key, work)
            except Exception:
                # One pod's trouble must not stop the thread that serves the others; the log shows it.
                traceback.print_exc()

    def _run_timer(self) -> None:
        while True:
            with self._changed:
                wait_s = self._due[0][0] - time.monotonic() if self._due else None
                if wait_s is None or wait_s > 0:
                    self._changed.wait(wait_s)
                    continue
                _, _, key, work = heapq.heappop(self._due)
            self.add(key, work)
