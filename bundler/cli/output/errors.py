"""How a failure is shown. Layer: cli, pure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bundler._version import __version__
from bundler.cli.terminal.text import Line

if TYPE_CHECKING:
    from bundler.errors import BundlerError

_PACKAGE = Path(__file__).resolve().parents[3]


def error_lines(error: BundlerError) -> list[Line]:
    """Return the three parts of an error: what was being done, what was found, what to do."""
    return [
        Line(f"error[{error.code}]: {error}", "alarm"),
        *(Line(f"  {line}") for entry in error.context for line in entry.split("\n")),
        *([Line(f"hint: {error.hint}", "cyan")] if error.hint else []),
    ]


def usage_lines(message: str, hint: str) -> list[Line]:
    """Return a mistake on the command line in the same three parts."""
    return [
        Line("error[usage]: reading the command line", "alarm"),
        *(Line(f"  {line}") for line in message.split("\n")),
        Line(f"hint: {hint}", "cyan"),
    ]


def bug_lines(error: BaseException, *, is_verbose: bool) -> list[Line]:
    """Return a report on a failure that nobody foresaw; the whole traceback only with -v."""
    import traceback  # noqa: PLC0415 - takes 2 ms to load, for what never happens

    frames = traceback.extract_tb(error.__traceback__)
    where = [f"at {_place(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames[-1:]]
    details = traceback.format_exception(error) if is_verbose else []
    found = [f"{type(error).__name__}: {error}", *where, f"bundler {__version__}"]
    hint = "this is a bug of bundler; report it with these lines" + ("" if is_verbose else ", -v adds the whole trace")
    return [
        Line("error[bug]: bundler met something it did not foresee", "alarm"),
        *(Line(f"  {line}") for entry in [*found, *details] for line in entry.rstrip("\n").split("\n")),
        Line(f"hint: {hint}", "cyan"),
    ]


def _place(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(_PACKAGE)) if path.is_relative_to(_PACKAGE) else path.name
