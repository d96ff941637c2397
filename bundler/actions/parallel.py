"""Run independent requests side by side. Layer: actions."""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

T = TypeVar("T")
R = TypeVar("R")

REQUESTS_AT_ONCE = 8
_NAP_S = 0.2


def map_parallel(function: Callable[[T], R], items: Iterable[T], *, at_once: int = REQUESTS_AT_ONCE) -> list[R]:
    """Return ``function`` of each item, in their order; the first exception ends it all."""
    work = list(items)
    if len(work) <= 1:
        return [function(item) for item in work]
    with ThreadPoolExecutor(max_workers=min(at_once, len(work))) as pool:
        futures = [pool.submit(function, item) for item in work]
        try:
            await_all(futures)
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()


def await_all(futures: Collection[Future[R]]) -> None:
    """Return when all have ended, or one has failed.

    The wait is made of naps: a signal that arrives just as a thread lies down for good is seen only when it gets up
    again (CPython runs handlers in the main thread, between bytecodes).
    """
    while True:
        done, pending = wait(futures, timeout=_NAP_S, return_when=FIRST_EXCEPTION)
        if not pending or any(future.exception() for future in done):
            return
