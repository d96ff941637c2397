"""Make the standard streams safe to write to, whatever they were started with. Layer: cli."""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from bundler.errors import OutputError

if TYPE_CHECKING:
    from typing import TextIO

ESCAPING: Final = "bundler-escaping"


def mend_streams() -> None:
    """Open streams that are closed on nothing, and let no character be one that cannot be written.

    A closed stream is None in Python, and its number would be given to the next file that is opened: a database, say,
    which whatever writes to stderr would then write to.
    """
    codecs.register_error(ESCAPING, _escaped)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, _open_nothing(number))
        elif number and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ESCAPING)


def _open_nothing(number: int) -> io.TextIOWrapper:
    descriptor = os.open(os.devnull, os.O_RDWR)
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)
    return io.TextIOWrapper(io.FileIO(number, "r" if number == 0 else "w", closefd=False), encoding="utf-8")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    r"""Write what an encoding lacks as JSON and YAML do: ``\u2265``."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    escapes = [f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)]
    return "".join(escapes), error.end


def unwritable_stdout(error: OSError, more: str = "") -> OutputError:
    """Return the error of a stdout that takes no more.

    Args:
        error: of the system.
        more: ends the hint: what became of the command.
    """
    hint = f"make room there, or send the output elsewhere{more}"
    return OutputError("writing to stdout", context=[error.strerror or str(error)], hint=hint)


def is_utf8(text: str) -> bool:
    """Return whether text of a stream or an argument was UTF-8: Python keeps any other byte as half a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def patient(stream: TextIO) -> TextIO:
    """Return a stream that drops what can no longer be written: a closed window must not stop a change half way."""
    return cast("TextIO", _PatientStream(stream))


class _PatientStream:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)
