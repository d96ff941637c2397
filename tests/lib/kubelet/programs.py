"""Run programs of this machine, and enter network namespaces from a thread."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CLONE_NEWNET = 0x40000000

T = TypeVar("T")


class ProgramError(Exception):
    """A program that the kubelet needs has failed."""


def run(*argv: str, stdin: str | None = None) -> str:
    """Run a program to its end and return what it printed.

    Raises:
        ProgramError: where it fails.
    """
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ProgramError(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def ip(*words: str) -> str:
    """Run iproute2's `ip`; see `run`."""
    return run("ip", *words)


def ip_batch(lines: Sequence[str], *, namespace: str) -> None:
    """Run several commands of `ip` in a network namespace with one process."""
    run("ip", "-n", namespace, "-batch", "-", stdin="\n".join(lines) + "\n")


def enter_network(namespace: str) -> None:
    """Move the calling thread into a network namespace: the sockets that it opens from now on belong there."""
    handle = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns to {namespace}")
    finally:
        os.close(handle)


class _Inside(threading.Thread, Generic[T]):
    """Calls a function from inside a network namespace."""

    def __init__(self, namespace: str, act: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._namespace, self._act = namespace, act
        self.result: T | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            enter_network(self._namespace)
            self.result = self._act()
        except BaseException as error:
            self.error = error


def inside(namespace: str, act: Callable[[], T]) -> T:
    """Return what a function returns that is called inside a network namespace."""
    thread = _Inside(namespace, act)
    thread.start()
    thread.join()
    if thread.error is not None:
        raise thread.error
    return thread.result  # type: ignore[return-value]
