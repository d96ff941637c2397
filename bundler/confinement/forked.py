"""One piece of work in a child process, and its result back. Layer: confinement.

The child is a copy of this process: what the work needs is there, and only what comes of it crosses a pipe. It ends by
itself with the time of the command, and says where it was; it is killed when it does not, on a signal, and when it has
more memory than it may. It does nothing but the work: no output, no network, no file of ours is closed or flushed.
The command line has no other thread when it calls this; where a program has some, and one holds a lock that the work
waits for, the child ends with its time like any other that does not come to an end.
"""

from __future__ import annotations

import gc
import marshal
import os
import select
import signal
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from bundler.confinement.limits import (
    MAX_MEMORY_BYTES,
    TAKEN_SIGNALS,
    leave_signals,
    limit_memory,
    limit_time,
)
from bundler.confinement.memory import resident_bytes
from bundler.confinement.pipe import write_all
from bundler.errors import BundlerError
from bundler.errors.bundle import WorkLimitError
from bundler.model.place import current_place

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.ports import Clock

Result = TypeVar("Result")
_PLAIN, _PICKLED, _ERROR, _BUG, _TIME, _MEMORY = (b"r", b"p", b"e", b"b", b"t", b"m")
_CHUNK = 1 << 20
_COLLECT_AFTER = 300_000
"""Containers made and kept before cycles are looked for in them; rendering makes fewer than fifty for each object."""
_LOOK_S = 0.1
"""How often a signal that does not raise, and the memory of the child, are checked."""
_GRACE_S = 0.5
"""The child says itself that its time is over, and where it was; then it is killed."""
_HINT = "check the bundle; --timeout gives the command more time"


class WorkFailedError(Exception):
    """A bug of ours showed in the child process; the text is its trace."""


class ForkedWork:
    """Runs work on foreign bundles in a child process."""

    def __init__(self, clock: Clock, *, deadline_s: Callable[[], float], is_stopped: Callable[[], bool]) -> None:
        """Keep what bounds the work.

        Args:
            clock: tells the time.
            deadline_s: on ``clock.monotonic()``: when the time of the command ends.
            is_stopped: whether the run was asked to stop.
        """
        self._clock, self._deadline_s, self._is_stopped = clock, deadline_s, is_stopped

    def run(self, work: Callable[[], Result], *, doing: str) -> Result:
        """Return what ``work`` returns, or raise what it raises.

        Raises:
            WorkLimitError: when it takes too much time or memory, or the run is asked to stop.
        """
        seconds = max(self._deadline_s() - self._clock.monotonic(), 0.0)
        reader, child = _start(work, seconds)
        try:
            answer = self._answer(reader, child, seconds, doing)
        finally:
            os.close(reader)
            status = _end(child)
        return cast("Result", _result_of(answer, status, seconds, doing))

    def _answer(self, reader: int, child: int, seconds: float, doing: str) -> bytes:
        end_s = self._clock.monotonic() + seconds + _GRACE_S
        pieces: list[bytes] = []
        while (left := end_s - self._clock.monotonic()) > 0:
            ready, _, _ = select.select([reader], [], [], min(left, _LOOK_S))
            if ready:
                piece = os.read(reader, _CHUNK)
                if not piece:
                    return b"".join(pieces)
                pieces.append(piece)
            elif self._is_stopped():
                raise WorkLimitError(doing, context=["the run was asked to stop"], hint="run the command again")
            elif resident_bytes(child) > MAX_MEMORY_BYTES:
                return _MEMORY
        return _TIME


def _start(work: Callable[[], object], seconds: float) -> tuple[int, int]:
    reader, writer = os.pipe()
    # a signal must not meet the child while it still has this process's handlers
    before = signal.pthread_sigmask(signal.SIG_BLOCK, TAKEN_SIGNALS)
    try:
        child = os.fork()
        if child == 0:
            os.close(reader)
            _be_child(work, writer, seconds)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(writer)
    return reader, child


def _be_child(work: Callable[[], object], writer: int, seconds: float) -> NoReturn:
    """Do the work in the child process, and end it."""

    def end(*answer: bytes) -> NoReturn:
        try:
            for part in answer:
                write_all(writer, part)
        finally:
            os._exit(0)

    def out_of_time() -> None:
        end(_TIME + current_place().encode())

    try:
        _collect_rarely()
        leave_signals()
        limit_time(seconds, out_of_time)
        limit_memory()
        end(*_encoded(work()))
    except BundlerError as error:
        end(*_pickled(_ERROR, error))
    except MemoryError:
        end(_MEMORY + current_place().encode())
    except BaseException:  # noqa: BLE001 - the last door of this process
        import traceback  # noqa: PLC0415 - takes 2 ms to load, for a bug of ours

        end(_BUG + traceback.format_exc().encode("utf-8", "replace"))


def _collect_rarely() -> None:
    """Look for cycles rarely, and never in what the parent made, whose pages would be copied for it.

    This process ends with its work, which keeps nearly all that it makes until then.
    """
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])


def _encoded(result: Any) -> tuple[bytes, bytes]:
    """Return a result as bytes, its kind first: marshal writes texts and lists at once, pickle everything."""
    try:
        return _PLAIN, marshal.dumps(result)
    except ValueError:
        return _pickled(_PICKLED, result)


def _pickled(kind: bytes, value: object) -> tuple[bytes, bytes]:
    import pickle  # noqa: PLC0415 - plain results and most runs do without

    return kind, pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def _unpickled(body: memoryview) -> object:
    import pickle  # noqa: PLC0415 - as above

    return pickle.loads(body)  # noqa: S301 - written by our own child


def _end(child: int) -> int:
    """Kill a child that still runs, and return how it ended."""
    ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _result_of(answer: bytes, status: int, seconds: float, doing: str) -> object:
    kind, body = answer[:1], memoryview(answer)[1:]
    match kind:
        case b"r":
            return marshal.loads(body)  # noqa: S302 - written by our own child
        case b"p":
            return _unpickled(body)
        case b"e":
            raise cast("BundlerError", _unpickled(body))
        case b"b":
            raise WorkFailedError(bytes(body).decode())
        case b"t":
            raise _limit(doing, f"it takes more than {round(seconds, 1):g} s", bytes(body).decode())
        case b"m":
            raise _limit(doing, f"it takes more than {MAX_MEMORY_BYTES >> 20} MiB of memory", bytes(body).decode())
        case _:
            raise _limit(doing, f"its process ended with {status}", "")


def _limit(doing: str, said: str, place: str) -> WorkLimitError:
    return WorkLimitError(doing, context=[f"{place}: {said}" if place else said], hint=_HINT)
