"""``python -m bundler`` and the console script. Layer: cli."""

from __future__ import annotations

import atexit
import gc
import os
import sys


def main() -> None:
    """Run the command line; ``--version`` alone answers without loading it.

    Looking for cycles took a fifth of a short run, most of it while modules load, and a run makes hardly any: the
    collector comes rarely.
    """
    try:
        _run()
    except KeyboardInterrupt:
        # Before the first command is loaded nothing else listens; nothing was begun.
        os._exit(_EXIT_INTERRUPTED)


def _run() -> None:
    if sys.argv[1:] == ["--version"] and _says_version():
        return
    gc.set_threshold(300_000, 50, 100)
    from bundler.cli.main import run  # noqa: PLC0415 - loading click costs more than the answer above

    leftovers: list[object] = []
    _end(run(sys.argv[1:], leftovers))


def _says_version() -> bool:
    """Print the version; where that fails, the command line does it again, and explains why it cannot."""
    from bundler._version import __version__  # noqa: PLC0415 - the version is asked for often, by scripts

    if sys.stdout is None:
        return False
    try:
        sys.stdout.write(f"bundler {__version__}\n")
        sys.stdout.flush()
    except OSError:
        return False
    return True


def _end(exit_code: int) -> None:
    """End the process; whatever a run opened it has closed, and memory is left to the operating system.

    Taking modules and objects apart one by one would be 3 ms of a short run and 20 of one with 6,000 objects. Who
    traces the program (a debugger, a coverage measurement) gets the ordinary end.
    """
    if sys.gettrace() is not None:
        sys.exit(exit_code)
    atexit._run_exitfuncs()  # noqa: SLF001 - os._exit leaves them out, and one may have a folder of this run to remove
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            exit_code = exit_code or _EXIT_UNWRITTEN
    os._exit(exit_code)


_EXIT_INTERRUPTED = 130
_EXIT_UNWRITTEN = 120
"""What Python itself answers when the last of the output cannot be written."""


if __name__ == "__main__":
    main()
