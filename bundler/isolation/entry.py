"""The program that forks a process for each piece of work. Layer: isolation.

It has one thread and nothing of the run that started it: a copy of it is made in a millisecond and is as good as a
program started again. It ends, and its processes with it, when the run that asks it is gone.
"""

from __future__ import annotations

import importlib
import mmap
import os
import resource
import signal
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

from bundler.isolation.channel import (
    ANSWER,
    FAILED,
    FORK,
    FOUND,
    FREED,
    LENGTH,
    MEMORY,
    REQUEST,
    SLOT_BYTES,
    SLOTS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Work = Callable[[Iterator[bytes]], bytes]

_MAX_TEXT: Final = 500


def serve(function: str) -> NoReturn:
    """Fork and end processes as asked through standard input, a socket, until it is closed.

    Args:
        function: ``module:function``; takes an iterator of bytes and returns bytes.
    """
    module, _, name = function.partition(":")
    work: Work = getattr(importlib.import_module(module), name)
    control, living = socket.socket(fileno=0), set[int]()
    while (asked := socket.recv_fds(control, REQUEST.size, 2))[0]:
        message, descriptors, *_ = asked
        kind, *numbers = REQUEST.unpack(message)
        if kind == FORK:
            answer = _fork(work, numbers, control, *descriptors)
            living.add(answer)
        else:
            answer = _end(numbers[0])
            living.discard(numbers[0])
        control.sendall(ANSWER.pack(answer))
    for pid in living - {-1}:
        _end(pid)
    os._exit(0)


def _fork(work: Work, limits: list[int], control: socket.socket, channel: int, memory: int) -> int:
    """Return the number of a process that does the work, -1 where none can be made."""
    try:
        pid = os.fork()
    except OSError:
        pid = -1
    if pid == 0:
        control.close()
        _work(work, limits, socket.socket(fileno=channel), memory)
    os.close(channel)
    os.close(memory)
    return pid


def _end(pid: int) -> int:
    """End a process where it has not ended by itself, and return its exit code."""
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _work(work: Work, limits: list[int], channel: socket.socket, memory: int) -> NoReturn:
    """Do the work, say what came of it, and end this process."""
    code = 1
    try:
        shared = mmap.mmap(memory, SLOTS * SLOT_BYTES, access=mmap.ACCESS_READ)
        _restrict(*limits)
        channel.sendall(b"".join(_result(work, _pieces(channel, shared))))
        code = 0
    finally:
        os._exit(code)


def _result(work: Work, pieces: Iterator[bytes]) -> tuple[bytes, bytes]:
    try:
        return FOUND, work(pieces)
    except MemoryError:
        return MEMORY, b""
    except Exception as error:  # noqa: BLE001 - the parent says it, in the words of its task
        return FAILED, f"{type(error).__name__}: {error}"[:_MAX_TEXT].encode("utf-8", "replace")


def _pieces(channel: socket.socket, shared: mmap.mmap) -> Iterator[bytes]:
    """Yield what the parent put into the shared memory, and say that its place is free again."""
    at = 0
    while head := channel.recv(LENGTH.size, socket.MSG_WAITALL):
        piece = shared[at : at + LENGTH.unpack(head)[0]]
        channel.sendall(FREED)
        yield piece
        at = (at + SLOT_BYTES) % (SLOTS * SLOT_BYTES)


def _restrict(cpu_s: int, memory_bytes: int, file_bytes: int, open_files: int) -> None:
    """Limit this process; what the system does not know, or has limited further, stays as it is."""
    wanted = [
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, open_files),
        (resource.RLIMIT_CORE, 0),
    ]
    for kind, limit in wanted:
        _, hard = resource.getrlimit(kind)
        highest = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (highest, highest))
