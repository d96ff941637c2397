"""What runs in a child process: limits first, then the one function it was started for. Layer: isolation."""

from __future__ import annotations

import importlib
import os
import resource
import sys
from contextlib import suppress
from functools import partial
from typing import Final

EXIT_MEMORY: Final = 3
EXIT_FAILED: Final = 4
_PIECE_BYTES: Final = 1024 * 1024
_MAX_TEXT: Final = 500


def main(function: str, limits: str) -> None:
    """Call ``module:function`` with the pieces of standard input, and write the bytes it returns.

    Args:
        function: takes an iterator of bytes.
        limits: seconds of work, bytes of memory, bytes of a file, open files.
    """
    module, _, name = function.partition(":")
    work = getattr(importlib.import_module(module), name)
    _restrict(*map(int, limits.split(",")))
    try:
        answer = work(iter(partial(os.read, 0, _PIECE_BYTES), b""))
        os.close(0)  # the parent stops writing, and reads
        with open(1, "wb", closefd=False) as out:
            out.write(answer)
    except MemoryError:
        os._exit(EXIT_MEMORY)
    except Exception as error:  # noqa: BLE001 - the parent says it, in the words of its task
        sys.stderr.write(f"{type(error).__name__}: {error}"[:_MAX_TEXT])
        sys.stderr.flush()
        os._exit(EXIT_FAILED)
    os._exit(0)


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
