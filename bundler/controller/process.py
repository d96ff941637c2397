"""The controller as a process: one copy leads and works, the others wait for its Lease. Layer: controller.

Two leaders would do no harm: every change holds the lock of its release. The Lease spares the work of two.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Protocol

from bundler.controller.web import Answer
from bundler.errors import BundlerError, UsageError
from bundler.errors.change import LockLostError, ReleaseLockedError
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler import Session
    from bundler.controller.log import Log
    from bundler.controller.metrics import Metrics
    from bundler.controller.pulse import Pulse
    from bundler.controller.web import Page
    from bundler.model.refs import ObjectRef
    from bundler.ports import Clock, HeldLock

LEASE: Final = "bundler-controller"
_MAIN: Final = "main"
_NAP_S: Final = 0.5
_STANDBY_S: Final = 1.0
_AFTER_ERROR_S: Final = 5.0
_ENDING_S: Final = 120.0
"""For changes that are interrupted to finish what they write, and to be killed where they do not."""


class Work(Protocol):
    """What the copy that leads does."""

    def start(self) -> None:
        """Begin, in threads."""
        ...

    @property
    def is_ready(self) -> bool:
        """Whether everything was listed, and may still be."""
        ...

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is not as it should be, a line each."""
        ...

    def close(self) -> None:
        """Begin nothing more, interrupt what is under way, and return when it has ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """What a controller is observed by."""

    clock: Clock
    log: Log
    metrics: Metrics
    pulse: Pulse


class ControllerProcess:
    """Leads when it may, until it is asked to stop."""

    def __init__(self, session: Session, instruments: Instruments, make_work: Callable[[], Work], lease: str) -> None:
        """Do nothing yet.

        Args:
            session: acts as the controller; its namespace holds the Lease.
            instruments: what it is observed by.
            make_work: returns what the leader does; called whenever this copy begins to lead.
            lease: the name of the Lease.
        """
        self._session, self._make_work, self._lease = session, make_work, lease
        self._instruments = instruments
        self._work: Work | None = None
        self._waits_for = self._hindrance = ""

    @property
    def pages(self) -> Mapping[str, Page]:
        """What answers the probes of a kubelet."""
        return {"/livez": self._alive, "/readyz": self._ready}

    def run(self, is_stopped: Callable[[], bool]) -> None:
        """Work until someone asks to stop; returns within seconds then.

        Args:
            is_stopped: whether someone did.
        """
        while not is_stopped():
            self._instruments.pulse.beat(_MAIN)
            try:
                with self._session.lease(self._lease, wait_s=_STANDBY_S) as held:
                    self._lead(held, is_stopped)
            except ReleaseLockedError as error:
                self._stand_by(error)
            except LockLostError as error:
                self._instruments.log.warning("this copy leads no longer", why="; ".join(error.context))
            except BundlerError as error:
                self._hindrance = f"{error}: {'; '.join(error.context)}"
                self._instruments.log.warning("this copy cannot lead", error=self._hindrance, hint=error.hint)
                self._rest(_AFTER_ERROR_S, is_stopped)
        self._instruments.pulse.forget(_MAIN)
        self._instruments.log.info("stopped")

    def _lead(self, held: HeldLock, is_stopped: Callable[[], bool]) -> None:
        """Work while the Lease is ours.

        Raises:
            LockLostError: when it is no longer.
        """
        instruments, self._waits_for, self._hindrance = self._instruments, "", ""
        instruments.log.info("this copy leads")
        work = self._make_work()
        try:
            self._work = work
            work.start()
            instruments.metrics.lead(is_leader=True)
            while not is_stopped():
                held.held()
                instruments.pulse.beat(_MAIN)
                instruments.clock.sleep(_NAP_S)
        finally:
            instruments.metrics.lead(is_leader=False)
            self._work = None
            instruments.log.info("ending what is under way")
            instruments.pulse.beat(_MAIN, within_s=_ENDING_S)
            work.close()

    def _stand_by(self, error: ReleaseLockedError) -> None:
        leader, self._hindrance = "; ".join(error.context).partition(" (")[0], ""
        if leader != self._waits_for:
            self._waits_for = leader
            self._instruments.log.info("this copy waits for the Lease", leader=leader)

    def _rest(self, seconds: float, is_stopped: Callable[[], bool]) -> None:
        clock = self._instruments.clock
        end_s = clock.monotonic() + seconds
        while not is_stopped() and clock.monotonic() < end_s:
            clock.sleep(_NAP_S)

    def _alive(self) -> Answer:
        silent = self._instruments.pulse.silent()
        return Answer(500, f"silent: {', '.join(silent)}\n".encode()) if silent else Answer(200, b"ok\n")

    def _ready(self) -> Answer:
        work = self._work
        if work is not None:
            return readiness(is_ready=work.is_ready, troubles=work.troubles)
        return readiness(is_ready=not self._hindrance, troubles=(self._hindrance,) if self._hindrance else ())


def readiness(*, is_ready: bool, troubles: tuple[str, ...]) -> Answer:
    """Return what a leader answers to those who ask whether it can work.

    Args:
        is_ready: all orders are listed.
        troubles: what is not as it should be, a line each.
    """
    lines = ["ok"] if is_ready else [] if troubles else ["not everything is listed yet"]
    return Answer(200 if is_ready else 503, "".join(f"{line}\n" for line in (*lines, *troubles)).encode())


_M_ARENA_MAX: Final = -8
"""Of ``mallopt`` in the GNU C library."""


def share_one_heap() -> None:
    """Let all threads allocate from one heap, before there are any: a heap each keeps 20 MB that no one uses.

    Other C libraries have one anyway.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One of several equal shares of all orders."""

    number: int = 1
    of: int = 1

    @property
    def lease(self) -> str:
        """The name of the Lease that its leader holds."""
        return LEASE if self.of == 1 else f"{LEASE}-{self.number}-of-{self.of}"

    def holds(self, key: ObjectRef) -> bool:
        """Return whether an order belongs to it; each belongs to one, whatever its kind."""
        name = f"{key.namespace}/{key.name}".encode()
        return int.from_bytes(sha256(name).digest()[:8]) % self.of == self.number - 1


def parse_shard(text: str) -> Shard:
    """Return the shard that is typed: ``1/4``.

    Raises:
        UsageError: for what is none.
    """
    number, slash, of = text.partition("/")
    if slash and number.isascii() and number.isdigit() and of.isascii() and of.isdigit():
        shard = Shard(number=int(number), of=int(of))
        if 1 <= shard.number <= shard.of:
            return shard
    raise UsageError("reading --shard", context=[f"{text!r} is not a share"], hint="write 1/4 for the first of four")
