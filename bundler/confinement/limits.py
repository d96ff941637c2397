"""What a child process may use. Layer: isolation."""

from __future__ import annotations

import contextlib
import math
import os
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_MEMORY_BYTES = 512 * 1024 * 1024
TAKEN_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

_STATM = Path("/proc/self/statm")
_AFTER_THE_END_S = 5
_UNTOUCHED_BYTES = 64 * 1024 * 1024
"""Of libraries and of the parent's memory: a copied process has them, and they count as its own once touched."""
_LEAST_SHARE = 4
"""A quarter of the limit is there for the work, however large the program that asks for it."""


def limit_memory(max_bytes: int = MAX_MEMORY_BYTES) -> None:
    """Let this process have ``max_bytes`` of memory, what it has already included.

    Linux counts addresses, of which a process has more than memory: what it holds now is taken into account. Where the
    system has no such limit the parent watches instead.
    """
    mapped, resident = _sizes()
    allowed = mapped + max(max_bytes - _UNTOUCHED_BYTES - resident, max_bytes // _LEAST_SHARE)
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        _, hard = resource.getrlimit(kind)
        wanted = allowed if hard == resource.RLIM_INFINITY else min(allowed, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (wanted, hard))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_time(seconds: float, at_end: Callable[[], None]) -> None:
    """Call ``at_end`` after ``seconds`` wherever Python looks at signals; the system ends what never does.

    The limit of the processor ends this process also when its parent is gone.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime + seconds) + _AFTER_THE_END_S
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    signal.signal(signal.SIGALRM, lambda *_: at_end())
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))


def leave_signals() -> None:
    """Let signals end this process at once, as one does that has nothing to put in order."""
    for number in TAKEN_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TAKEN_SIGNALS)


def _sizes() -> tuple[int, int]:
    """Return the bytes of addresses and of memory that this process has; zeros where the system does not say."""
    try:
        mapped, resident, *_ = _STATM.read_text().split()
    except OSError:
        return 0, 0
    page = os.sysconf("SC_PAGE_SIZE")
    return int(mapped) * page, int(resident) * page
