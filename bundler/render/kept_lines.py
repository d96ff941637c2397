"""Line marks that survive filters and methods: ``{{ labels() | trim | indent(4) }}`` is still of the macro's lines.

Layer: render, pure. Used only where a mark stands on every line, to find out where something wrong comes from.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from operator import itemgetter
from typing import Any, NamedTuple

from bundler.expressions.markers import finish_text, line_of, mark_line, place_of

_LINE_MARK = "\0L"


class _Line(NamedTuple):
    text: str
    """Without what an indentation adds."""
    mark: str


def keeping_lines(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` for texts that carry line marks: it sees them without, and what it returns has them again."""

    @wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        lines = [line for value in args for text in _texts(value) for line in _lines_of(text)]
        result = function(*map(without_marks, args), **named)
        return _marked(result, lines) if lines and type(result) is str else result

    return call


def without_marks(value: Any) -> Any:
    """Return a text, or a list of texts, as it would be printed; anything else as it is."""
    if type(value) is list:
        return [without_marks(item) for item in value]
    return finish_text(value) if type(value) is str and _LINE_MARK in value else value


def _texts(value: Any) -> Iterator[str]:
    for text in value if type(value) is list else [value]:
        if type(text) is str and _LINE_MARK in text:
            yield text


def _lines_of(text: str) -> Iterator[_Line]:
    """Yield the lines of a marked text, each with the last mark before its first letter."""
    notes: list[tuple[int, int, int]] = []
    plain = finish_text(text, notes)
    start = 0
    for line in plain.split("\n"):
        before = bisect_right(notes, first_letter(plain, start), key=itemgetter(0))
        _, file_index, place = notes[before - 1] if before else (0, 0, 0)
        yield _Line(line.strip(), mark_line(file_index, place_of(line_of(place))) if before else "")
        start += len(line) + 1


def first_letter(text: str, start: int) -> int:
    """Return where the blanks at ``start`` end."""
    while text[start : start + 1] == " ":
        start += 1
    return start


def _marked(text: str, lines: Sequence[_Line]) -> str:
    """Put the marks of ``lines`` before those of ``text``: by number where there are as many, else by what they say."""
    found = text.split("\n")
    marks = [line.mark for line in lines] if len(found) == len(lines) else list(_marks_by_text(found, lines))
    return "\n".join(mark + line if line.strip() else line for mark, line in zip(marks, found, strict=True))


def _marks_by_text(found: Sequence[str], lines: Sequence[_Line]) -> Iterator[str]:
    """Yield the mark of the next line that says the same; none for a line that is new."""
    places: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        places.setdefault(line.text, []).append(number)
    at = 0
    for text in found:
        numbers = places.get(text.strip(), [])
        nearest = bisect_right(numbers, at - 1)
        if nearest < len(numbers):
            at = numbers[nearest] + 1
            yield lines[at - 1].mark
        else:
            yield ""
