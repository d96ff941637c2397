"""A few calls at once. Layer: adapter.

Not concurrent.futures: it imports logging, and three threads need no pool.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class _Call(Generic[T]):
    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self.results: list[T] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.results.append(self._function())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the call is waited for
            self.error = error


def in_parallel(*functions: Callable[[], T]) -> list[T]:
    """Call all at once and return what they return, in order; the first error is raised when all have ended."""
    calls = [_Call(function) for function in functions]
    threads = [threading.Thread(target=call.run, daemon=True) for call in calls[1:]]
    for thread in threads:
        thread.start()
    for call in calls[:1]:
        call.run()
    for thread in threads:
        thread.join()
    for call in calls:
        if call.error is not None:
            raise call.error
    return [result for call in calls for result in call.results]
