"""Start the program that forks processes for foreign bytes. Layer: isolation; starts this program.

Threads of this process may hold locks, so it is not forked itself; and a program started again for each piece of work
would cost more than most of that work.
"""

from __future__ import annotations

import socket
import subprocess  # noqa: TID251 - one of the three places that start programs
import sys
import threading
from typing import TYPE_CHECKING, Final, Self

from bundler.isolation.channel import ANSWER, END, FORK, REQUEST

if TYPE_CHECKING:
    from types import TracebackType

    from bundler.isolation.limits import WorkLimits

_BOOT: Final = "import sys; sys.path[:] = sys.argv[2:]; from bundler.isolation.entry import serve; serve(sys.argv[1])"


class ForkServer:
    """A program that does one function's work in as many processes as are asked for. Threads may share it."""

    def __init__(self, function: str) -> None:
        """Start it; it gets ready while this process continues.

        Args:
            function: ``module:function`` of this program; it takes an iterator of bytes and returns bytes.

        Raises:
            OSError: when no process can be started.
        """
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        # A process group of its own: signals of the terminal are for the parent, which then ends its children.
        try:
            self._process = subprocess.Popen(  # noqa: S603 - of this program; no word is foreign
                [sys.executable, "-I", "-S", "-c", _BOOT, function, *sys.path],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
        except BaseException:
            self._control.close()
            raise
        finally:
            theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def fork(self, limits: WorkLimits, channel: int, memory: int) -> int:
        """Return the number of a new process that works.

        Args:
            limits: on what it uses.
            channel: the process's end of a socket; see :mod:`bundler.isolation.channel`.
            memory: a file that both map.

        Raises:
            OSError: when there can be none.
        """
        numbers = (limits.cpu_s, limits.memory_bytes, limits.file_bytes, limits.open_files)
        pid = self._ask(REQUEST.pack(FORK, *numbers), channel, memory)
        if pid < 0:
            raise OSError("the system has no room for another one")
        return pid

    def end(self, pid: int) -> int:
        """End a process, whatever it does, and return its exit code; that of one that has ended is its own.

        Raises:
            OSError: when the program itself is gone.
        """
        return self._ask(REQUEST.pack(END, pid, 0, 0, 0))

    def close(self) -> None:
        """End the program and all its processes."""
        self._control.close()
        self._process.wait()

    def _ask(self, message: bytes, *descriptors: int) -> int:
        with self._lock:
            socket.send_fds(self._control, [message], descriptors)
            answer = self._control.recv(ANSWER.size, socket.MSG_WAITALL)
        if len(answer) < ANSWER.size:
            raise ConnectionResetError("the program that starts it has ended")
        number: int = ANSWER.unpack(answer)[0]
        return number
