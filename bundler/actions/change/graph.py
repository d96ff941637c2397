"""Run steps that need each other. Layer: actions.

Nothing here knows what a step does. A step begins when all that it needs are done; those that may run at the same time
do. After a failure nothing further begins, and what is under way is waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Generic, Protocol, TypeVar

from bundler.errors import InterruptedRunError

_NAP_S = 0.2
"""A signal that comes while the main thread waits is seen only when it wakes up."""


class Node(Protocol):
    """What has a name, and names what must be done before it."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be done before it begins."""
        ...


N = TypeVar("N", bound=Node)
T = TypeVar("T")


def run_graph(steps: Sequence[N], work: Callable[[N], None], *, stop: Callable[[], None]) -> None:
    """Do all steps.

    Args:
        steps: each after those it needs.
        work: does one step; called from several threads, and from the calling one where nothing else can run.
        stop: called when a step has failed; makes those under way end soon.

    Raises:
        BaseException: of the step that failed; where several did, the cause instead of its echo in others.
    """
    if steps:
        with ThreadPoolExecutor(max_workers=len(steps)) as pool:
            _Run(steps, work, pool).to_the_end(stop)


class _Run(Generic[N]):
    def __init__(self, steps: Sequence[N], work: Callable[[N], None], pool: ThreadPoolExecutor) -> None:
        self._work, self._pool = work, pool
        self._waiting = {step.id: (step, set(step.needs)) for step in steps}
        self._places = {step.id: place for place, step in enumerate(steps)}
        self._running: dict[Future[None], str] = {}
        self._failed: dict[str, BaseException] = {}

    def to_the_end(self, stop: Callable[[], None]) -> None:
        try:
            while self._begin() or self._running:
                self._settle()
                if self._failed:
                    stop()
        except BaseException:  # the pool waits for what is under way
            stop()
            raise
        if self._waiting and not self._failed:
            raise AssertionError(f"these steps need what is not a step: {', '.join(self._waiting)}")
        raise_first(self._failed[step] for step in sorted(self._failed, key=self._places.__getitem__))

    def _begin(self) -> bool:
        """Begin what can be; return whether anything did."""
        ready = [] if self._failed else [step for step, needs in self._waiting.values() if not needs]
        for step in ready:
            del self._waiting[step.id]
        if len(ready) == 1 and not self._running:
            self._work(ready[0])
            self._done(ready[0].id)
        else:
            for step in ready:
                self._running[self._pool.submit(copy_context().run, self._work, step)] = step.id
        return bool(ready)

    def _settle(self) -> None:
        """Take note of steps that have ended; wait for one where none has."""
        if not self._running:
            return
        ended, _ = wait(self._running, timeout=_NAP_S, return_when=FIRST_COMPLETED)
        for future in ended:
            name = self._running.pop(future)
            error = future.exception()
            if error is None:
                self._done(name)
            else:
                self._failed[name] = error

    def _done(self, name: str) -> None:
        for _, needs in self._waiting.values():
            needs.discard(name)


def side_by_side(work: Callable[[T], None], items: Iterable[T], *, at_once: int) -> None:
    """Do independent pieces of work at the same time, all of them, whatever becomes of others.

    Args:
        work: called for each item.
        items: what to do it for.
        at_once: how many at the same time.

    Raises:
        BaseException: of the first piece that failed, the cause instead of its echo in others.
    """
    pieces = list(items)
    if not pieces:
        return
    with ThreadPoolExecutor(max_workers=min(at_once, len(pieces))) as pool:
        futures = [pool.submit(copy_context().run, work, piece) for piece in pieces]
    raise_first(error for error in (future.exception() for future in futures) if error is not None)


def raise_first(errors: Iterable[BaseException]) -> None:
    """Raise the error that came first in cause: one that is not the echo of another piece's failure."""
    found = list(errors)
    causes = [error for error in found if not isinstance(error, InterruptedRunError)]
    for error in (*causes, *found):
        raise error
