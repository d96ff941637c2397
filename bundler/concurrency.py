"""Independent calls side by side. Layer: foundation.

Not concurrent.futures: it imports logging, and it waits for its threads even after Ctrl-C, so that one server that does
not answer would hold a program that was asked to end.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")
R = TypeVar("R")

REQUESTS_AT_ONCE = 8
_NAP_S = 0.2
"""A signal that arrives just as the main thread begins to wait is seen only when it wakes up again."""


def map_parallel(function: Callable[[T], R], items: Iterable[T], *, at_once: int = REQUESTS_AT_ONCE) -> list[R]:
    """Call a function for each item and return what it returns, in their order.

    After an exception nothing further is begun, what is under way is waited for, and the exception of the first item in
    order is raised. An interruption of the calling thread (Ctrl-C) leaves at once; what is under way ends with the
    process.

    Args:
        function: to call; safe to use from several threads.
        items: what to call it with.
        at_once: how many calls may be under way, the calling thread's own included.
    """
    work = list(items)
    if len(work) <= 1:
        return [function(item) for item in work]
    calls = _Calls(function, work)
    threads = [in_thread(calls.run_aside) for _ in range(min(at_once, len(work)) - 1)]
    for thread in threads:
        thread.start()
    calls.run()
    for thread in threads:
        while thread.is_alive():
            thread.join(_NAP_S)
    return calls.results()


def in_thread(work: Callable[..., None], *arguments: object, name: str | None = None) -> threading.Thread:
    """Return a thread, not started, that belongs to the run of its caller: what marks that is a context variable.

    Args:
        work: what it does.
        arguments: of ``work``.
        name: of the thread.
    """
    return threading.Thread(target=copy_context().run, args=(work, *arguments), name=name, daemon=True)


def in_parallel(*functions: Callable[[], R]) -> list[R]:
    """Call all at once and return what they return, in order; see `map_parallel`."""
    return map_parallel(lambda function: function(), functions, at_once=len(functions))


class _Calls(Generic[T, R]):
    """Calls that several threads take one after the other."""

    def __init__(self, function: Callable[[T], R], items: Sequence[T]) -> None:
        self._function, self._items = function, items
        self._numbers = iter(range(len(items)))
        self._returned: dict[int, R] = {}
        self._raised: dict[int, BaseException] = {}

    def run(self) -> None:
        """Take calls until none is left, or one has failed."""
        # Taking the next number is one step for the interpreter: no two threads get the same.
        for number in self._numbers:
            if self._raised:
                return
            try:
                self._returned[number] = self._function(self._items[number])
            except BaseException as error:
                self._raised[number] = error
                if not isinstance(error, Exception):
                    raise

    def run_aside(self) -> None:
        """Take calls in a thread of their own: whatever ends one is raised again by `results`."""
        with suppress(BaseException):
            self.run()

    def results(self) -> list[R]:
        """Return what the calls returned.

        Raises:
            Exception: of the first call, in order, that failed.
        """
        if self._raised:
            raise self._raised[min(self._raised)]
        return [self._returned[number] for number in range(len(self._items))]
