"""Marks that printed text carries until a template is finished. Layer: expressions, pure.

Two things are known only when all of a template's text is there: at which column ``to_yaml`` stands, and from which
template line an object came. Each is written as a short marked piece between NUL characters, which no YAML may hold.
"""

from __future__ import annotations

from functools import lru_cache

from bundler.expressions.bounds import current_meter
from bundler.model.pattern import LazyPattern

_KINDS = frozenset("LYB")
_PART_BITS = 12
_LAST_PART = (1 << _PART_BITS) - 1
_KEY_BEFORE = LazyPattern(r"""(?P<lead>[ ]*(?:-[ ]+)*)(?P<key>[^\s#].*:)[ ]*""")
_LEAD_ONLY = LazyPattern(r"[ ]*(?:-[ ]+)*")


class YamlText(str):
    """What ``to_yaml`` returns: plain YAML at column 0 for other filters, indented to its place when printed."""

    __slots__ = ()


class YamlBlock(YamlText):
    """A mapping or list with content: it cannot follow a key on the same line."""

    __slots__ = ()


def mark_yaml(text: YamlText) -> str:
    """Return ``text`` as it is printed: marked, to be indented by :func:`finish_text`."""
    return f"\0{'B' if isinstance(text, YamlBlock) else 'Y'}{text}\0"


def mark_line(file_index: int, place: int) -> str:
    """Return the mark of a template line, or of a part of it."""
    return f"\0L{file_index}:{place}\0"


def place_of(line: int, part: int = 0) -> int:
    """Return the number of a part of a template line, in the order of the text; without one, of the whole line."""
    return (line << _PART_BITS) + min(part, _LAST_PART)


def line_of(place: int) -> int:
    """Return the template line of a place."""
    return place >> _PART_BITS


def is_part(place: int) -> bool:
    """Return whether a place is a part of its line, and not the whole of it."""
    return bool(place & _LAST_PART)


def finish_text(text: str, notes: list[tuple[int, int, int]] | None = None) -> str:
    """Replace all marks: YAML is indented to where it is, line marks vanish.

    Args:
        text: printed text.
        notes: gets (offset in the result, file index, place) for each line mark, in order.
    """
    if "\0" not in text:
        return text
    first, *parts = text.split("\0")
    pieces = [first] if first else []
    size, at = len(first), 0
    while at < len(parts):
        mark, plain = parts[at], parts[at + 1] if at + 1 < len(parts) else None
        if plain is None or mark[:1] not in _KINDS:  # a NUL of someone else's
            plain = f"\0{mark}"
            at += 1
        else:
            at += 2
            if mark[0] != "L":
                size += _insert(mark, pieces)
            elif notes is not None:
                notes.append((size, *_read_line(mark)))
        if plain:
            pieces.append(plain)
            size += len(plain)
    return "".join(pieces)


@lru_cache(maxsize=256)
def _read_line(mark: str) -> tuple[int, int]:
    """Return file index and place; the few lines of a loop print thousands of marks."""
    file_index, _, place = mark[1:].partition(":")
    return int(file_index), int(place)


def _insert(mark: str, pieces: list[str]) -> int:
    """Add marked YAML, where it is, to the pieces before it; return by how much they grow."""
    inserted = _place(mark[1:], _line_so_far(pieces), is_nested=mark[0] == "B")
    growth = len(inserted)
    if inserted.startswith("\n") and pieces:
        kept = pieces[-1].rstrip(" ")
        growth -= len(pieces[-1]) - len(kept)
        pieces[-1] = kept
    pieces.append(inserted)
    return growth


def _line_so_far(pieces: list[str]) -> str:
    parts: list[str] = []
    meter = current_meter()
    for piece in reversed(pieces):
        newline = piece.rfind("\n")
        parts.append(piece[newline + 1 :])
        meter.charge(1)
        meter.charge_text(len(parts[-1]))
        if newline >= 0:
            break
    return "".join(reversed(parts))


def _place(block: str, before: str, *, is_nested: bool) -> str:
    if _LEAD_ONLY.fullmatch(before):
        return _indent_rest(block, len(before))
    key = _KEY_BEFORE.fullmatch(before)
    if key is None:
        return _indent_rest(block, len(before) - len(before.lstrip(" ")))
    column = len(key["lead"])
    if is_nested:
        return "\n" + " " * (column + 2) + _indent_rest(block, column + 2)
    return ("" if before.endswith(" ") else " ") + _indent_rest(block, column)


def _indent_rest(block: str, column: int) -> str:
    if "\n" not in block or not column:
        return block
    current_meter().charge_text(len(block) + block.count("\n") * column)
    margin = " " * column
    first, *rest = block.split("\n")
    return "\n".join([first, *(margin + line if line else line for line in rest)])
