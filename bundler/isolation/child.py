"""Hand foreign bytes to a child process, and end it where it takes too long. Layer: isolation; starts this program.

What it works on may be made to take forever, in C code too, where no exception reaches it: a process can always be
ended. It is started anew, not forked, as threads of this process may hold locks.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess  # noqa: TID251 - one of the three places that start programs
import sys
from typing import IO, TYPE_CHECKING, Final, Self

from bundler.isolation.entry import EXIT_MEMORY
from bundler.model.size import shown_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from bundler.isolation.limits import WorkLimits

_BOOT: Final = "import sys; sys.path[:] = sys.argv[3:]; from bundler.isolation.entry import main; main(*sys.argv[1:3])"
_LOOK_EVERY_MS: Final = 100
_PIECE_BYTES: Final = 64 * 1024
_MAX_TEXT_BYTES: Final = 2000


class ChildEndedError(Exception):
    """The work did not come to an answer; the text says why."""


class ChildStoppedError(Exception):
    """The run was asked to stop while the child was at work."""


class Child:
    """One function at work in a process of its own."""

    def __init__(self, function: str, limits: WorkLimits, *, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Start it.

        Args:
            function: ``module:function`` of this program; it takes an iterator of bytes and returns bytes.
            limits: on what it uses.
            is_stopped: asked while the child is waited for.

        Raises:
            OSError: when no process can be started.
        """
        self._limits, self._is_stopped = limits, is_stopped
        numbers = (limits.cpu_s, limits.memory_bytes, limits.file_bytes, limits.open_files)
        words = [sys.executable, "-I", "-S", "-c", _BOOT, function, ",".join(map(str, numbers)), *sys.path]
        # A process group of its own: signals of the terminal are for the parent, which then ends the child.
        self._process = subprocess.Popen(  # noqa: S603 - of this program; no word is foreign
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        self._input, self._output = _pipe(self._process.stdin), _pipe(self._process.stdout)
        os.set_blocking(self._input.fileno(), False)
        os.set_blocking(self._output.fileno(), False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def feed(self, piece: bytes) -> None:
        """Hand over the next piece; a child that has seen enough takes no more, which is no failure.

        Raises:
            ChildStoppedError: when the run was asked to stop.
        """
        rest = memoryview(piece)
        while rest and not self._input.closed:
            self._wait_for(self._input, select.POLLOUT)
            try:
                rest = rest[os.write(self._input.fileno(), rest[:_PIECE_BYTES]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                self._input.close()

    def answer(self) -> bytes:
        """Return what the function returned for all that was fed.

        Raises:
            ChildEndedError: when it came to no answer within its limits.
            ChildStoppedError: when the run was asked to stop.
        """
        self._input.close()
        found, size = [], 0
        while True:
            self._wait_for(self._output, select.POLLIN)
            try:
                piece = os.read(self._output.fileno(), _PIECE_BYTES)
            except BlockingIOError:
                continue
            if not piece:
                break
            found.append(piece)
            size += len(piece)
            if size > self._limits.answer_bytes:
                raise ChildEndedError(f"it holds more than {shown_bytes(self._limits.answer_bytes)} of what is wanted")
        self._check_end()
        return b"".join(found)

    def close(self) -> None:
        """End the child, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._input, self._output, _pipe(self._process.stderr)):
            pipe.close()

    def _wait_for(self, pipe: IO[bytes], event: int) -> None:
        """Wait until a pipe can be used, or its other end is gone."""
        poll = select.poll()
        poll.register(pipe, event)
        while not poll.poll(_LOOK_EVERY_MS):
            if self._is_stopped():
                raise ChildStoppedError

    def _check_end(self) -> None:
        match self._process.wait():
            case 0:
                return
            case code if code in {-signal.SIGXCPU, -signal.SIGKILL}:
                raise ChildEndedError(f"it takes more than {self._limits.cpu_s}s of work")
            case code if code == EXIT_MEMORY:
                raise ChildEndedError(f"it takes more than {shown_bytes(self._limits.memory_bytes)} of memory")
            case code:
                said = _pipe(self._process.stderr).read(_MAX_TEXT_BYTES).decode("utf-8", "replace")
                lines = [line.strip() for line in said.splitlines() if line.strip()]
                raise ChildEndedError(f"reading it failed: {lines[-1] if lines else f'exit code {code}'}")


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise AssertionError("the child was started with three pipes")
    return pipe
