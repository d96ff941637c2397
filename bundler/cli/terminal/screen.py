"""The one door to stdout and stderr: everything that leaves is masked and cleaned here. Layer: cli."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from bundler import syntax
from bundler.cli.terminal.streams import unwritable_stdout
from bundler.cli.terminal.text import Line, clean, escaped, paint
from bundler.model.json import as_json
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bundler.model.json import JSONValue
    from bundler.model.redaction import Redactor


_COLUMNS = 80
_SHOW_CURSOR = b"\x1b[?25h\r\n"


class ReaderGoneError(Exception):
    """The reader of our stdout has closed it; no one is left to write for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """How the two streams may be written to."""

    out_is_terminal: bool
    err_is_terminal: bool
    has_color: bool
    """They are not unwanted; colours still need a terminal."""
    forces_color: bool = False
    """Colours are wanted whatever reads them."""

    @property
    def out_has_color(self) -> bool:
        """Return whether stdout gets colours."""
        return self.forces_color or (self.out_is_terminal and self.has_color)

    @property
    def err_has_color(self) -> bool:
        """Return whether stderr gets colours."""
        return self.forces_color or (self.err_is_terminal and self.has_color)


class Screen:
    """Writes data to stdout, everything else to stderr. Safe to call from several threads."""

    def __init__(self, out: TextIO, err: TextIO, *, looks: Looks, redactor: Redactor, is_quiet: bool) -> None:
        self._out, self._err, self.looks = out, err, looks
        self._redactor, self.is_quiet = redactor, is_quiet
        self._lock = threading.RLock()
        self._warned: set[str] = set()
        self._is_masking = True
        self.has_printed = False
        """Something was written to stdout."""
        self._err_is_open = True
        self._above: Callable[[str], None] | None = None

    @property
    def columns(self) -> int | None:
        """How wide a line on stdout may be; None where no terminal reads it."""
        if not self.looks.out_is_terminal:
            return None
        try:
            return os.get_terminal_size(self._out.fileno()).columns or _COLUMNS
        except (OSError, ValueError):
            return _COLUMNS

    def show_secrets(self) -> None:
        """Print sensitive values in plain text from now on; the user asked for it."""
        self._is_masking = False

    # --- stdout -------------------------------------------------------------------------------------------------

    def text(self, text: str) -> None:
        """Write text to stdout as it is, masked; cleaned only where a terminal reads it."""
        masked = self._masked(text)
        self._write_out(clean(masked) if self.looks.out_is_terminal else masked)

    def lines(self, lines: Iterable[Line]) -> None:
        """Write lines to stdout, in colours on a terminal."""
        has_color = self.looks.out_has_color
        self._write_out("".join(f"{self._drawn(line, has_color=has_color)}\n" for line in lines))

    def document(self, value: Mapping[str, object] | Sequence[object], output: str) -> None:
        """Write one JSON or YAML document to stdout; strings in it are masked one by one, so that it stays readable."""
        masked = masked_value(value, self._redactor) if self._is_masking else as_json(value)
        if output == "yaml":
            self._write_out(syntax.writer.dump_yaml(masked))
        else:
            self._write_out(escaped(syntax.json_text.dump_json(masked, indent=2, is_strict=False)) + "\n")

    # --- stderr -------------------------------------------------------------------------------------------------

    def say(self, text: str = "", style: str = "") -> None:
        """Write lines to stderr, unless -q."""
        if not self.is_quiet:
            self._write_err([Line(line, style) for line in text.split("\n")])

    def say_lines(self, lines: Iterable[Line]) -> None:
        """Write styled lines to stderr, unless -q."""
        if not self.is_quiet:
            self._write_err(lines)

    def warn(self, text: str) -> None:
        """Write a warning to stderr once, however often it is given, -q or not."""
        with self._lock:
            if text in self._warned:
                return
            self._warned.add(text)
        self._write_err([Line(f"warning: {text}", "yellow")])

    def complain(self, lines: Iterable[Line]) -> None:
        """Write an error to stderr, -q or not."""
        self._write_err(lines)

    def ask(self, question: str) -> None:
        """Write a question to stderr, without a line end."""
        self._put_err(self._drawn(Line(question, "bold"), has_color=self.looks.err_has_color))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was warned of so far, masked."""
        return tuple(self._masked(text) for text in sorted(self._warned))

    def drawing(self, above: Callable[[str], None] | None) -> None:
        """While something is drawn on stderr, write through ``above``, which prints over the drawing."""
        with self._lock:
            self._above = above

    def leave(self) -> None:
        """Give the cursor back where something is drawn; takes no lock, since a signal may have come anywhere."""
        if self._above is not None:
            with suppress(OSError, ValueError):
                os.write(self._err.fileno(), _SHOW_CURSOR)

    @property
    def terminal(self) -> TextIO:
        """Stderr itself, for those who draw; their text has gone through :meth:`shown`."""
        return self._err

    def shown(self, text: str) -> str:
        """Return text masked and cleaned, for those who draw on stderr themselves."""
        return clean(self._masked(text))

    # --- inside -------------------------------------------------------------------------------------------------

    def _masked(self, text: str) -> str:
        return self._redactor.redact(text) if self._is_masking else text

    def _drawn(self, line: Line, *, has_color: bool) -> str:
        return "\n".join(
            paint(part, line.style, has_color=has_color) for part in clean(self._masked(line.text)).split("\n")
        )

    def _write_out(self, text: str) -> None:
        with self._lock:
            self.has_printed = self.has_printed or bool(text)
            try:
                self._out.write(text)
                self._out.flush()
            except BrokenPipeError as error:
                raise ReaderGoneError from error
            except OSError as error:
                raise unwritable_stdout(error, "; what the command changed is done and recorded") from error

    def _write_err(self, lines: Iterable[Line]) -> None:
        has_color = self.looks.err_has_color
        self._put_err("".join(f"{self._drawn(line, has_color=has_color)}\n" for line in lines))

    def _put_err(self, text: str) -> None:
        with self._lock:
            if self._above is not None:
                self._above(text)
            elif self._err_is_open:
                try:
                    self._err.write(text)
                    self._err.flush()
                except OSError:
                    self._err_is_open = False  # a change must not stop half way because no one reads about it


def masked_value(value: object, redactor: Redactor) -> JSONValue:
    """Return a JSON value with every string masked; keys only where they hold a secret that stands for itself."""
    return as_json(value, mask=redactor.redact_value, mask_key=redactor.redact)
