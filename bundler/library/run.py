"""A change on its way, and its events as an iterator. Layer: library."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from bundler.concurrency import in_thread

if TYPE_CHECKING:
    from bundler.model.events import Event
    from bundler.ports import Reporter

    Work = Callable[[Reporter, Callable[[], bool]], "Result"]

Result = TypeVar("Result")


class Run(Generic[Result]):
    """A call of a session in a thread of its own; iterating yields its events, in order, until it ends.

    `Session.begin` makes it. Iterating never raises: how the run ended is said by `result`.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     run = session.begin(ReleaseRequest(bundle="webapp", release="shop"))
        ...     kinds = {type(event).__name__ for event in run}
        ...     run.result().revision.summary.revision
        1
        >>> sorted(kinds & {"ChangeFinished", "HealthChanged"})
        ['ChangeFinished', 'HealthChanged']
    """

    def __init__(self, work: Work[Result]) -> None:
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._asked = threading.Event()
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self._work = work
        self._thread = in_thread(self._carry_out)
        self._thread.start()

    def __iter__(self) -> Iterator[Event]:
        while (event := self._events.get()) is not None:
            yield event
        self._events.put(None)  # iterating again finds the end at once

    def stop(self) -> None:
        """Ask the run to stop: what is under way is finished and recorded, nothing more is begun.

        `result` then raises InterruptedRunError, unless the run had ended.
        """
        self._asked.set()

    @property
    def is_over(self) -> bool:
        """Return whether the run has ended."""
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Wait for the end, however it comes."""
        self._thread.join()

    def result(self) -> Result:
        """Wait for the end, and return what the call returned.

        Raises:
            BundlerError: what ended the run.
        """
        self.wait()
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _carry_out(self) -> None:
        try:
            self._results.append(self._work(self._take, self._asked.is_set))
        except BaseException as error:  # noqa: BLE001 - raised again by `result`
            self._error = error
        finally:
            self._events.put(None)

    def _take(self, event: Event) -> None:
        self._events.put(event)
