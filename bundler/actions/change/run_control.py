"""What is asked before every write: is the lock still ours, is anybody asking us to stop; and what a run remembers.

Layer: actions.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bundler.errors import Again, InterruptedRunError
from bundler.errors.change import LockLostError, ReleaseNotFoundError, WaitTimeoutError
from bundler.errors.cluster import ConflictError
from bundler.model.events import Event, Notice, Retrying

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef
    from bundler.ports import HeldLock, Ports, Reporter

WRITES_AT_ONCE = 8
WATCHES_AT_ONCE = 8

_TOO_BUSY = 429


@contextmanager
def recording(held: HeldLock, doing: str) -> Iterator[None]:
    """Write a record in the block, under a lock that is confirmed.

    Raises:
        LockLostError: when the lock is lost, or another run wrote the record: the holder of the lock does that alone.
    """
    held.confirm()
    try:
        yield
    except (ConflictError, ReleaseNotFoundError) as error:
        held.confirm()
        raise LockLostError(
            doing,
            context=[*error.context, "the record is not as this run left it: another run holds the release now"],
            hint="check `bundler history` for what the other run did, before you change the release again",
        ) from error


class Guard:
    """Lets writes begin while the run may continue, so many at a time, and fewer after the server said 429."""

    def __init__(self, ports: Ports, held: HeldLock) -> None:
        self._ports, self._held = ports, held
        self._free = threading.Condition()
        self._limit, self._running = WRITES_AT_ONCE, 0
        self._failed = threading.Event()
        self._said: set[str] = set()
        self.memory = RunMemory()
        self.watches = threading.BoundedSemaphore(WATCHES_AT_ONCE)
        """Each watch of the run holds one; who gets none polls."""

    def stop(self) -> None:
        """Let no further write begin: another one failed."""
        self._failed.set()

    @property
    def has_failed(self) -> bool:
        """Whether another step of the run failed."""
        return self._failed.is_set()

    def check(self) -> None:
        """Return while the run may continue.

        Raises:
            InterruptedRunError: when someone asked to stop, or another write failed.
            LockLostError: when the release is no longer ours.
            WaitTimeoutError: when the budget of the command is spent.
        """
        if self._ports.is_stopped() or self.has_failed:
            raise InterruptedRunError(
                "carrying out the plan",
                context=["another write failed" if self.has_failed else "the run was asked to stop"],
                hint=Again(words="run the same command again; it continues where it stopped"),
            )
        self._held.held()
        if self._ports.remaining_s() <= 0:
            raise WaitTimeoutError(
                "carrying out the plan",
                context=["the time for the whole command ran out before everything was written"],
                hint=Again(after=", with a larger --timeout"),
            )

    def prolong(self, ports: Ports) -> None:
        """Go by another end of the command's time."""
        self._ports = ports

    def confirm_lock(self) -> None:
        """Ask the cluster whether the lock is still ours: a heartbeat alone would tell only seconds later.

        Raises:
            LockLostError: when the release is no longer ours.
        """
        self._held.confirm()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold one of the places for writes while the block runs."""
        with self._free:
            self._free.wait_for(lambda: self._running < self._limit)
            self._running += 1
        try:
            self.check()
            yield
        finally:
            with self._free:
                self._running -= 1
                self._free.notify_all()

    def say_once(self, topic: str, text: str) -> None:
        """Report a notice, unless the run has said something on this topic."""
        with self._free:
            is_news = topic not in self._said
            self._said.add(topic)
        if is_news:
            self._ports.report(Notice(text))

    def listening(self, report: Reporter) -> Reporter:
        """Return a reporter that also halves the places for writes whenever the server is too busy."""

        def hear(event: Event) -> None:
            if isinstance(event, Retrying) and event.status == _TOO_BUSY:
                with self._free:
                    self._limit = max(1, self._limit // 2)
            report(event)

        return hear


class RunMemory:
    """Used by several threads, each of which asks about its own objects."""

    def __init__(self) -> None:
        self._since_s: dict[ObjectRef, float] = {}
        self._versions: dict[ObjectRef, str] = {}
        self._said: set[tuple[ObjectRef, str]] = set()
        self._evidence: list[tuple[str, ...]] = []

    def explain(self, lines: tuple[str, ...]) -> None:
        """Remember what explains why objects of one wait are not ready, as it was when the run failed."""
        self._evidence.append(lines)

    def evidence_besides(self, known: tuple[str, ...]) -> tuple[str, ...]:
        """Return what explains the other waits that were not over when one failed: each is of another component.

        Args:
            known: the context of the error that ended the run.
        """
        return tuple(line for lines in self._evidence if lines != known for line in lines)

    def wrote(self, ref: ObjectRef, *, version: str, now_s: float) -> None:
        """Remember that the run wrote an object, and the resourceVersion that it got.

        Args:
            ref: the object.
            version: resourceVersion that the server answered.
            now_s: seconds since the epoch.
        """
        self._since_s[ref], self._versions[ref] = now_s, version

    def since_s(self, ref: ObjectRef, now_s: float) -> float:
        """Return when the run wrote an object, or first waited for it; monotonic."""
        return self._since_s.setdefault(ref, now_s)

    def version(self, ref: ObjectRef) -> str:
        """Return the resourceVersion that the run wrote; empty where it wrote nothing."""
        return self._versions.get(ref, "")

    def is_news(self, ref: ObjectRef, text: str) -> bool:
        """Tell, once in a run, that this was not said of the object before."""
        is_news = (ref, text) not in self._said
        self._said.add((ref, text))
        return is_news
