"""The way into PyYAML's event stream: limits, errors, marks. Layer: syntax, pure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import yaml

if TYPE_CHECKING:
    from bundler.syntax.limits import Limits


# libyaml reads about ten times as fast; a PyYAML built without it still answers the same.
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlSyntaxError(ValueError):
    """Text that is not YAML as we read it; callers turn it into an error that names the file."""

    def __init__(self, problem: str, *, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {problem}")
        self.problem = problem
        self.line = line
        """From 1."""
        self.column = column
        """From 1."""


class Mark(NamedTuple):
    """Where a value starts."""

    offset: int
    """Characters from the start of the text (a byte order mark is not counted)."""
    line: int
    """From 1."""
    column: int
    """From 0: the indentation of a block mapping."""
    is_flow: bool = False
    """Written as ``{…}`` or ``[…]``; ``offset`` is then at the bracket."""


class EventSource(Protocol):
    """PyYAML's parser, as far as we use it."""

    def get_event(self) -> Any:
        """Return the next event."""
        ...


def open_events(text: str, limits: Limits) -> EventSource:
    """Return the event stream of ``text``.

    Raises:
        YamlSyntaxError: when the text is too large.
    """
    if len(text) > limits.max_bytes or (len(text) * 4 > limits.max_bytes and _size_of(text) > limits.max_bytes):
        raise YamlSyntaxError(f"the text is larger than the limit of {limits.max_bytes} bytes", line=1, column=1)
    source: EventSource = _PARSER(text)
    return source


def _size_of(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


@contextmanager
def translating(text: str) -> Iterator[None]:
    """Turn what PyYAML raises while reading ``text`` into :class:`YamlSyntaxError`."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or "not YAML"
        if error.context:
            problem = f"{problem} ({error.context})"
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlSyntaxError(problem, line=line, column=column) from error
    except (yaml.reader.ReaderError, UnicodeEncodeError) as error:
        raise _unreadable_character(text) from error


def _unreadable_character(text: str) -> YamlSyntaxError:
    line, column = 1, 1
    for character in text:
        if character == "\n":
            line, column = line + 1, 1
        elif is_unreadable(character):
            return YamlSyntaxError(f"the character U+{ord(character):04X} is not allowed", line=line, column=column)
        else:
            column += 1
    return YamlSyntaxError("a character that is not allowed", line=1, column=1)


def is_unreadable(character: str) -> bool:
    """Return whether YAML forbids this character to stand for itself.

    Source: YAML 1.2.2, section 5.1, c-printable.
    """
    code = ord(character)
    return (
        (code < 0x20 and character not in "\t\n\r")
        or (0x7F <= code <= 0x9F and code != 0x85)
        or 0xD800 <= code <= 0xDFFF
        or code in {0xFFFE, 0xFFFF}
    )


def mark_of(event: Any, *, is_flow: bool = False) -> Mark:
    """Return where ``event`` starts."""
    start = event.start_mark
    return Mark(start.index, start.line + 1, start.column, is_flow)


def error_at(event: Any, problem: str) -> YamlSyntaxError:
    """Return an error that points at ``event``."""
    start = event.start_mark
    return YamlSyntaxError(problem, line=start.line + 1, column=start.column + 1)
