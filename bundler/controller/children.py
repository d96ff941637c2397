"""Changes in child processes, several at once, each with an end. Layer: controller; starts this program again.

A small correction runs in this process: it takes no more memory and processor time than the comparison before it, and
less than the start of a process, for which what spoiled would have to wait. It renders nothing.

A child is asked to stop by SIGTERM, as by anyone who interrupts a change: it finishes what is under way and records it.
One that does not end is killed; its release's lock then expires, and the next change takes up what it left.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess  # noqa: TID251 - a change runs in a process of its own
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import IO, TYPE_CHECKING, Final, Protocol

from bundler.concurrency import in_thread
from bundler.controller.changes import Outcome, Work
from bundler.controller.messages import read_line, wanted_line
from bundler.controller.order import AfterFailure, parse_order
from bundler.controller.status import AttemptResult, Reason
from bundler.errors.change import OrderInvalidError
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.controller.changes import CarryOut, WantedChange
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef


_BOOT: Final = "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); from bundler.__main__ import main; main()"
"""Finds this program where its parent did: in a checkout, an environment or the one-file tool."""
DEFAULT_TIMEOUT_S: Final = 600.0
MARGIN_S: Final = 60.0
"""On top of a change's own time: to read what it needs before, and to record what came of it after."""
GRACE_S: Final = 30.0
"""Between the wish to stop and the kill; what is under way has half of it."""
_DRAIN_S: Final = 5.0
"""To read what a child said last; what a login plugin left behind may hold its output open for longer."""
_MAX_LINE_BYTES: Final = 1024 * 1024
_KEPT_BYTES: Final = 2048
"""Of what a child says on standard error: it counts only where there is no outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a child is started."""

    argv: tuple[str, ...]
    """Its command line, to which the time that it has is added; no secret is in it."""
    at_once: int = 8
    """How many there may be; beyond that, one of each depth of orders in orders."""
    margin_s: float = MARGIN_S
    grace_s: float = GRACE_S

    def child(self, wanted: WantedChange, on_event: Callable[[Body], None]) -> Child:
        """Return a change that has not begun yet.

        Args:
            wanted: the change.
            on_event: takes what it reports.
        """
        return _Process(self, wanted, on_event)


class Child(Protocol):
    """One change."""

    wanted: WantedChange
    ended: threading.Event
    """Set by the one who began it, when what came of it is noted."""

    def run(self) -> Outcome:
        """Carry it out, and return what came of it."""
        ...

    def interrupt(self) -> None:
        """Ask it to stop."""
        ...


class Start(Protocol):
    """How changes are begun."""

    @property
    def at_once(self) -> int:
        """How many there may be; beyond that, one of each depth of orders in orders."""
        ...

    def child(self, wanted: WantedChange, on_event: Callable[[Body], None]) -> Child:
        """Return a change that has not begun yet; see :meth:`Launch.child`."""
        ...


class ChangeListener(Protocol):
    """Hears of changes; called from several threads."""

    def reported(self, key: ObjectRef, event: Body) -> None:
        """Take an event of a change."""
        ...

    def ended(self, key: ObjectRef, outcome: Outcome, seconds: float) -> None:
        """Take what came of a change.

        Args:
            key: of its order.
            outcome: what came of it.
            seconds: that it took.
        """
        ...


class Wakes(Protocol):
    """Wakes keys; called from several threads."""

    def hurry(self, key: ObjectRef) -> None:
        """Wake a key at once: its release was installed, upgraded or uninstalled, or that failed."""
        ...

    def settle(self, key: ObjectRef) -> None:
        """Wake a key soon: what differed was put back, or there is room for its change."""
        ...


def this_program(words: Sequence[str]) -> tuple[str, ...]:
    """Return the command line that runs this program with other words.

    Args:
        words: ``controller change``, and which cluster.
    """
    return (sys.executable, "-P", "-c", _BOOT, json.dumps(sys.path), *words)


class ChildChanges:
    """Carries changes out in child processes, and small ones here; see bundler.controller.changes.Changes."""

    def __init__(self, launch: Start, wakes: Wakes, listener: ChangeListener, carry_out: CarryOut) -> None:
        """Start nothing yet.

        Args:
            launch: how a child is started.
            wakes: the key whose change is over, and those that found no room.
            listener: hears of what children report, and of their ends.
            carry_out: does a small change, in this process.
        """
        self._launch, self._wakes, self._listener, self._carry_out = launch, wakes, listener, carry_out
        self._guard = threading.Lock()
        self._children: dict[ObjectRef, Child] = {}
        self._outcomes: dict[ObjectRef, Outcome] = {}
        self._without_room: set[ObjectRef] = set()
        self._is_closed = False

    def begin(self, key: ObjectRef, wanted: WantedChange) -> bool:
        """Begin a change, and return at once; False where there is no room, or one of this key is under way."""
        with self._guard:
            if self._is_closed or key in self._children:
                return False
            depths = [one.wanted.depth for one in self._children.values()]
            if len(depths) >= self._launch.at_once and wanted.depth in depths:
                self._without_room.add(key)
                return False
            child = self._child(key, wanted)
            self._children[key] = child
        in_thread(self._follow, key, child, name="change").start()
        return True

    def under_way(self, key: ObjectRef) -> Work | None:
        """Return what is being done for a key now."""
        with self._guard:
            child = self._children.get(key)
            return child.wanted.work if child else None

    def take_outcome(self, key: ObjectRef) -> Outcome | None:
        """Return what came of the last change of a key, once."""
        with self._guard:
            return self._outcomes.pop(key, None)

    def interrupt(self, key: ObjectRef) -> None:
        """Ask the change of a key to stop: what is under way is finished and recorded."""
        with self._guard:
            child = self._children.get(key)
        if child:
            child.interrupt()

    @property
    def count(self) -> int:
        """How many changes are under way."""
        with self._guard:
            return len(self._children)

    def close(self) -> None:
        """Interrupt every change, wait until each has ended, and begin no other."""
        with self._guard:
            self._is_closed = True
            children = list(self._children.values())
        for child in children:
            child.interrupt()
        for child in children:
            child.ended.wait()

    def _child(self, key: ObjectRef, wanted: WantedChange) -> Child:
        if wanted.is_small:
            return _Here(self._carry_out, wanted)
        return self._launch.child(wanted, partial(self._listener.reported, key))

    def _follow(self, key: ObjectRef, child: Child) -> None:
        began_s = time.monotonic()
        try:
            outcome = child.run()
        except Exception as error:  # noqa: BLE001 - a mistake of ours costs this change alone
            said = f"a mistake in bundler: {type(error).__name__}: {error}"
            outcome = child.wanted.outcome(AttemptResult.PASSING, Reason.WAITING, said)
        try:
            self._listener.ended(key, outcome, time.monotonic() - began_s)
        finally:
            self._end(key, child, outcome)

    def _end(self, key: ObjectRef, child: Child, outcome: Outcome) -> None:
        """Keep what came of a change, and wake its key and those that waited for its room."""
        with self._guard:
            del self._children[key]
            self._outcomes[key] = outcome
            waiting, self._without_room = self._without_room, set()
        child.ended.set()
        wake = self._wakes.settle if outcome.work is Work.CORRECT else self._wakes.hurry
        wake(key)
        for one in waiting:
            self._wakes.settle(one)


class _Here:
    """One change in this process. Its end is that of its requests, of which each has its time."""

    def __init__(self, carry_out: CarryOut, wanted: WantedChange) -> None:
        self.wanted = wanted
        self.ended = threading.Event()
        self._carry_out = carry_out

    def interrupt(self) -> None:
        """Let it end: it is over soon, and it notices by itself when this process is asked to stop."""

    def run(self) -> Outcome:
        """Carry it out, and return what came of it."""
        return self._carry_out(self.wanted)


class _Process:
    """One change in a process."""

    def __init__(self, launch: Launch, wanted: WantedChange, on_event: Callable[[Body], None]) -> None:
        self.wanted = wanted
        self.ended = threading.Event()
        self._launch, self._on_event = launch, on_event
        self._stopping = threading.Event()
        self._outcome: Outcome | None = None
        self._last_words = b""

    def interrupt(self) -> None:
        """Ask it to stop."""
        self._stopping.set()

    def run(self) -> Outcome:
        """Start the process, follow it to its end, and return what came of it."""
        timeout_s, most_s = budget_of(self.wanted)
        try:
            process = subprocess.Popen(  # noqa: S603 - this program; no word is foreign
                [*self._launch.argv, "--timeout", f"{timeout_s:g}s"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,  # signals of the terminal are for the parent, which then asks its children to stop
            )
        except OSError as error:
            return self._without_result(f"no process could be started: {error.strerror}")
        talks = ((self._ask, process.stdin), (self._hear, process.stdout), (self._keep_last_words, process.stderr))
        threads = [in_thread(talk, stream) for talk, stream in talks]
        for thread in threads:
            thread.start()
        self._see_to_its_end(process, most_s + self._launch.margin_s)
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
        for thread in threads:
            thread.join(_DRAIN_S)
        return self._outcome or self._without_result(_how_it_ended(process.returncode), self._last_words)

    def _ask(self, stdin: IO[bytes]) -> None:
        """Send the request; the stream stays open, and ends when this process does."""
        with suppress(OSError, ValueError):
            stdin.write(wanted_line(self.wanted))
            stdin.flush()

    def _hear(self, stdout: IO[bytes]) -> None:
        with stdout:
            while line := stdout.readline(_MAX_LINE_BYTES):
                said = read_line(line)
                if isinstance(said, Outcome):
                    self._outcome = said
                elif said is not None:
                    self._on_event(said)

    def _keep_last_words(self, stderr: IO[bytes]) -> None:
        with stderr:
            while piece := os.read(stderr.fileno(), 4096):
                self._last_words = (self._last_words + piece)[-_KEPT_BYTES:]

    def _see_to_its_end(self, process: subprocess.Popen[bytes], most_s: float) -> None:
        """Wait for the end; ask for it when the time is over or someone wants it, and insist after a while."""
        waiter = in_thread(self._note_end, process)
        waiter.start()
        self._stopping.wait(most_s)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            waiter.join(self._launch.grace_s)
        if waiter.is_alive():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        waiter.join()

    def _note_end(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._stopping.set()

    def _without_result(self, why: str, last_words: bytes = b"") -> Outcome:
        words = last_words.decode(errors="replace").strip()
        said = f"the process of the change ended without a result: {why}{f': {words}' if words else ''}"
        return self.wanted.outcome(AttemptResult.PASSING, Reason.WAITING, said)


def budget_of(wanted: WantedChange) -> tuple[float, float]:
    """Return how long a change may take by its order, and how long with the rollback that may follow it.

    Args:
        wanted: holds the order. What is deleted may be an order that could not be carried out.
    """
    try:
        order = parse_order(wanted.body)
    except OrderInvalidError:
        return DEFAULT_TIMEOUT_S, DEFAULT_TIMEOUT_S
    goes_back = order.after_failure is AfterFailure.ROLL_BACK
    return order.timeout_s, order.timeout_s * (2 if goes_back else 1)


def _how_it_ended(status: int) -> str:
    if status >= 0:
        return f"exit code {status}"
    with suppress(ValueError):
        return f"it was killed by {signal.Signals(-status).name}"
    return f"it was killed by signal {-status}"
