"""Run independent requests side by side. Layer: actions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")
R = TypeVar("R")

REQUESTS_AT_ONCE = 8


def map_parallel(function: Callable[[T], R], items: Iterable[T], *, at_once: int = REQUESTS_AT_ONCE) -> list[R]:
    """Return ``function`` of each item, in their order; the first exception ends it all."""
    work = list(items)
    if len(work) <= 1:
        return [function(item) for item in work]
    with ThreadPoolExecutor(max_workers=min(at_once, len(work))) as pool:
        return list(pool.map(function, work))
