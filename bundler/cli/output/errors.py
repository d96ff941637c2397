"""How a failure is shown. Layer: cli."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bundler._version import __version__
from bundler.cli.terminal.text import Line
from bundler.errors import BugError, OutputError, UsageError
from bundler.model.size import sentence
from bundler.wire.errors import error_form

if TYPE_CHECKING:
    from bundler.cli.terminal.screen import Screen
    from bundler.errors import BundlerError

_PACKAGE = Path(__file__).resolve().parents[3]
_DOCUMENTS = {"json", "yaml"}


def show_error(screen: Screen, error: BundlerError, output: str) -> None:
    """Print an error on stderr, and on stdout too where data is asked for and none was printed yet.

    Args:
        screen: where to.
        error: what ended the run.
        output: what -o asks for.
    """
    screen.complain(error_lines(error))
    if output in _DOCUMENTS and not screen.has_printed:
        with suppress(OutputError):  # the exit code says what happened
            screen.document(error_form(error), output)


def error_lines(error: BundlerError) -> list[Line]:
    """Return the three parts of an error: what was being done, what was found, what to do."""
    return [
        Line(f"error[{error.code}]: {error}", "alarm"),
        *(Line(f"  {line}") for entry in error.context for line in entry.split("\n")),
        *([Line(f"hint: {sentence(error.hint)}", "cyan")] if error.hint else []),
    ]


def usage_error(message: str, hint: str) -> UsageError:
    """Return a mistake on the command line as an error of ours."""
    return UsageError("reading the command line", context=message.split("\n"), hint=hint)


def bug_error(error: BaseException, *, is_verbose: bool) -> BugError:
    """Return a report on a failure that no one foresaw; the whole traceback only with -v."""
    import traceback  # noqa: PLC0415 - takes 2 ms to load, for what never happens

    frames = traceback.extract_tb(error.__traceback__)
    where = [f"at {_place(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames[-1:]]
    details = traceback.format_exception(error) if is_verbose else []
    found = [f"{type(error).__name__}: {error}", *where, f"bundler {__version__}"]
    hint = "report this bug of bundler with these lines" + ("" if is_verbose else "; -v adds the full traceback")
    return BugError(
        "bundler stopped with an unexpected error",
        context=[line for entry in [*found, *details] for line in entry.rstrip("\n").split("\n")],
        hint=hint,
    )


def _place(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(_PACKAGE)) if path.is_relative_to(_PACKAGE) else path.name
