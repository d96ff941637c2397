"""What the controller says of its work: a JSON object a line, or readable lines at a terminal. Layer: controller.

Each line has a time, a level, a sentence and what it is about; nothing sensitive is in any of them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Self

from bundler.controller.times import written_time
from bundler.model.json import JSONValue, as_json
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from datetime import datetime
    from typing import TextIO


_PLACE: Final = ("namespace", "release")


class Level(IntEnum):
    """How much a line matters."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """How lines are written."""

    redact: Callable[[str], str]
    """Takes what is sensitive out of texts."""
    now: Callable[[], datetime]
    least: Level = Level.INFO
    """Lines that matter less are left out."""
    is_json: bool = True


class LogStream:
    """Writes lines one at a time; a reader that is gone stops no one."""

    def __init__(self, stream: TextIO, settings: LogSettings) -> None:
        """Write nothing yet.

        Args:
            stream: takes the lines.
            settings: how they are written.
        """
        self._stream, self.settings = stream, settings
        self._writing = threading.Lock()

    def write(self, line: str) -> None:
        """Write a line."""
        with self._writing, suppress(OSError, ValueError):
            self._stream.write(f"{line}\n")
            self._stream.flush()


class Log:
    """Takes what is to be said. Safe to use from several threads."""

    def __init__(self, stream: LogStream, about: Mapping[str, JSONValue] | None = None) -> None:
        """Say nothing yet.

        Args:
            stream: takes the lines.
            about: what every line is about.
        """
        self._stream, self._about = stream, dict(about or {})

    def about(self, **facts: JSONValue) -> Self:
        """Return a log of which every line is about something more."""
        return type(self)(self._stream, {**self._about, **facts})

    def debug(self, message: str, **facts: JSONValue) -> None:
        """Say what is of use while something is looked into."""
        self._write(Level.DEBUG, message, facts)

    def info(self, message: str, **facts: JSONValue) -> None:
        """Say what happened."""
        self._write(Level.INFO, message, facts)

    def warning(self, message: str, **facts: JSONValue) -> None:
        """Say what someone should know of."""
        self._write(Level.WARNING, message, facts)

    def error(self, message: str, **facts: JSONValue) -> None:
        """Say what someone should do something about."""
        self._write(Level.ERROR, message, facts)

    def _write(self, level: Level, message: str, facts: Mapping[str, JSONValue]) -> None:
        settings, said = self._stream.settings, {**self._about, **facts}
        if level >= settings.least:
            shown = _json_line if settings.is_json else _readable_line
            self._stream.write(shown(settings, level, message, said))


def _json_line(settings: LogSettings, level: Level, message: str, facts: Mapping[str, JSONValue]) -> str:
    said = {"time": written_time(settings.now()), "level": level.name.lower(), "msg": message, **facts}
    return json.dumps(as_json(said, mask=settings.redact), ensure_ascii=False)


def _readable_line(settings: LogSettings, level: Level, message: str, facts: Mapping[str, JSONValue]) -> str:
    place = "/".join(str(facts[one]) for one in _PLACE if facts.get(one))
    more = " ".join(f"{key}={one}" for key, one in facts.items() if key not in _PLACE and one != "")
    when, words = written_time(settings.now())[11:19], [place and f"{place}:", message, more and f"({more})"]
    line = " ".join([when, f"{level.name.lower():7}", *filter(None, words)])
    return _on_one_line(settings.redact(line))


def _on_one_line(text: str) -> str:
    """Return a text without what would begin a line, or move the cursor of a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
