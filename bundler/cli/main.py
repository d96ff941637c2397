"""The entry: run one command line; the only place that catches errors and chooses exit codes. Layer: cli."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.cli.root import bundler
from bundler.cli.session.invocation import Invocation
from bundler.cli.session.settings import read_surroundings
from bundler.cli.terminal.screen import ReaderGoneError
from bundler.cli.terminal.streams import is_utf8, mend_streams
from bundler.cli.terminal.text import Line
from bundler.errors import BundlerError, InterruptedRunError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_USAGE = 2
_INTERRUPTED = InterruptedRunError(
    "running the command", context=["interrupted; nothing more was begun"], hint="run the same command again"
)
_TOO_DEEP = BundlerError(
    "working with what was read",
    context=["something in it is nested more deeply than can be worked with"],
    hint="find lists and mappings within each other, hundreds deep, in files, values or objects of the cluster",
)
_NOWHERE = UsageError(
    "working in the current folder",
    context=["it does not exist any more: it was removed, or made again under its name"],
    hint="change to a folder that exists: cd with its whole path, even if it is the same one",
)


def run(argv: Sequence[str], leftovers: list[object] | None = None) -> int:
    """Run one command line and return its exit code; nothing is raised.

    Args:
        argv: without the program's name.
        leftovers: takes what is large and no longer needed, for a caller that ends the process: taking it apart
            would be a twentieth of a large rendering. None: this runs within another program, which is not copied to
            work on a bundle.
    """
    mend_streams()
    invocation = Invocation(read_surroundings(), argv, leftovers)
    try:
        with invocation.stop.listening(), invocation:
            return _run(invocation, argv)
    except (KeyboardInterrupt, click.Abort):
        return _explain(invocation, _INTERRUPTED)


def _run(invocation: Invocation, argv: Sequence[str]) -> int:
    try:
        _refuse_unreadable(argv)
        result = bundler.main(list(argv), prog_name="bundler", standalone_mode=False, obj=invocation)
    except (ReaderGoneError, BrokenPipeError, SystemExit):
        _leave_stdout()
        return 0
    except (KeyboardInterrupt, click.Abort):
        raise
    except Exception as error:  # noqa: BLE001 - the last door; what is not an error of ours or click's is a bug
        return _explain(invocation, error)
    return result if isinstance(result, int) else 0


def _explain(invocation: Invocation, error: Exception) -> int:
    from bundler.cli.output.errors import show_error  # noqa: PLC0415 - most runs end well

    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        invocation.screen.complain([Line(line) for line in error.format_message().split("\n")])
        return EXIT_USAGE
    shown = _as_ours(error, is_verbose=invocation.is_verbose)
    show_error(invocation.screen, shown, invocation.output)
    return shown.exit_code


def _as_ours(error: Exception, *, is_verbose: bool) -> BundlerError:
    from bundler.cli.output.errors import bug_error, usage_error  # noqa: PLC0415 - as above

    match error:
        case BundlerError():
            return error
        case click.ClickException():
            return usage_error(error.format_message(), _usage_hint(error))
        case RecursionError():
            return _TOO_DEEP
        case OSError() if _is_nowhere():
            return _NOWHERE
        case _:
            return bug_error(error, is_verbose=is_verbose)


def _refuse_unreadable(argv: Sequence[str]) -> None:
    """What is not UTF-8 cannot be recorded, and no API server takes it."""
    broken = [ascii(word) for word in argv if not word.isascii() and not is_utf8(word)]
    if broken:
        hint = "write it in UTF-8; rename a file whose name is not"
        raise UsageError("reading the command line", context=[f"{word} is not UTF-8" for word in broken], hint=hint)


def _is_nowhere() -> bool:
    try:
        Path.cwd()
    except OSError:
        return True
    return False


def _usage_hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"run `{context.command_path if context else 'bundler'} --help` to see what can be given"


def _leave_stdout() -> None:
    """Give the interpreter something to flush at its end: the reader of our output took what they wanted."""
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
    except (OSError, ValueError):
        return
