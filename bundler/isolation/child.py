"""Hand foreign bytes to a child process, and end it where it takes too long. Layer: isolation.

What it works on may be made to take forever, in C code too, where no exception reaches it: a process can always be
ended.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import socket
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from bundler.isolation.channel import FAILED, FOUND, FREED, LENGTH, MEMORY, SLOT_BYTES, SLOTS
from bundler.model.size import shown_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from bundler.isolation.fork_server import ForkServer
    from bundler.isolation.limits import WorkLimits

_LOOK_EVERY_MS: Final = 100
_READ_BYTES: Final = 64 * 1024


class ChildEndedError(Exception):
    """The work did not come to an answer; the text says why."""


class ChildStoppedError(Exception):
    """The run was asked to stop while the child was at work."""


class Child:
    """One piece of work in a process of its own."""

    def __init__(
        self, server: ForkServer, limits: WorkLimits, *, is_stopped: Callable[[], bool] = lambda: False
    ) -> None:
        """Start it.

        Args:
            server: knows the function, and makes the process.
            limits: on what it uses.
            is_stopped: asked while the child is waited for.

        Raises:
            OSError: when no process can be started.
        """
        self._server, self._limits, self._is_stopped = server, limits, is_stopped
        self._free, self._slot, self._filled = SLOTS, 0, 0
        self._result, self._result_bytes = list[bytes](), 0
        self._takes_more, self._is_over = True, False
        self._exit_code: int | None = None
        memory = _shared_file(SLOTS * SLOT_BYTES)
        self._channel, theirs = socket.socketpair()
        try:
            self._memory = mmap.mmap(memory, SLOTS * SLOT_BYTES)
            self._pid = server.fork(limits, theirs.fileno(), memory)
        except BaseException:
            self._channel.close()
            raise
        finally:
            os.close(memory)
            theirs.close()
        self._channel.settimeout(0)
        self._poll = select.poll()
        self._poll.register(self._channel, select.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def feed(self, piece: bytes) -> None:
        """Hand over the next piece; a child that has seen enough takes no more, which is not a failure.

        Raises:
            ChildStoppedError: when the run was asked to stop.
        """
        rest = memoryview(piece)
        while rest and self._takes_more:
            if not self._free:
                self._listen()
                continue
            at, room = self._slot * SLOT_BYTES + self._filled, SLOT_BYTES - self._filled
            self._memory[at : at + min(room, len(rest))] = rest[:room]
            self._filled += min(room, len(rest))
            rest = rest[room:]
            if self._filled == SLOT_BYTES:
                self._hand_over()

    def answer(self) -> bytes:
        """Return what the function returned for all that was fed.

        Raises:
            ChildEndedError: when it came to no answer within its limits.
            ChildStoppedError: when the run was asked to stop.
        """
        if self._filled:
            self._hand_over()
        with suppress(OSError):  # it may have ended
            self._channel.shutdown(socket.SHUT_WR)
        while not self._is_over:
            self._listen()
            if self._result_bytes > self._limits.answer_bytes:
                raise ChildEndedError(f"it holds more than {shown_bytes(self._limits.answer_bytes)} of what is wanted")
        return self._checked(b"".join(self._result))

    def close(self) -> None:
        """End the child, whatever it does."""
        self._end()
        self._channel.close()
        self._memory.close()

    def _hand_over(self) -> None:
        """Tell the child that the next place is full."""
        try:
            self._channel.send(LENGTH.pack(self._filled))
        except OSError:  # it has ended; what it said is read with its answer
            self._takes_more = False
        self._free, self._slot, self._filled = self._free - 1, (self._slot + 1) % SLOTS, 0

    def _listen(self) -> None:
        """Wait for what the child says next: that places are free again, its result, or nothing any more."""
        while not self._poll.poll(_LOOK_EVERY_MS):
            if self._is_stopped():
                raise ChildStoppedError
        try:
            said = self._channel.recv(_READ_BYTES)
        except ConnectionError:  # it has ended before it took all there was
            said = b""
        result = said if self._result else said.lstrip(FREED)
        self._free += len(said) - len(result)
        if result:
            self._result.append(result)
            self._result_bytes += len(result)
        self._is_over = not said
        self._takes_more = self._takes_more and bool(said) and not result

    def _end(self) -> int:
        if self._exit_code is None:
            try:
                self._exit_code = self._server.end(self._pid)
            except OSError:  # the server ends them all when it ends
                self._exit_code = -signal.SIGTERM
        return self._exit_code

    def _checked(self, result: bytes) -> bytes:
        code, kind, text = self._end(), result[:1], result[1:]
        if code in {-signal.SIGXCPU, -signal.SIGKILL}:
            raise ChildEndedError(f"it takes more than {self._limits.cpu_s}s of work")
        if code == 0 and kind == FOUND:
            return text
        if code == 0 and kind == MEMORY:
            raise ChildEndedError(f"it takes more than {shown_bytes(self._limits.memory_bytes)} of memory")
        said = text.decode("utf-8", "replace").split("\n") if kind == FAILED else []
        lines = [line.strip() for line in said if line.strip()]
        raise ChildEndedError(f"reading it failed: {lines[-1] if lines else f'exit code {code}'}")


def _shared_file(size: int) -> int:
    """Return a file without a name, in memory where the system has that."""
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("pieces", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile(buffering=0) as opened:
            file = os.dup(opened.fileno())
    os.ftruncate(file, size)
    return file
