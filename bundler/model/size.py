"""Sizes, counts and long texts as people read and type them. Layer: model, pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bundler.model.pattern import LazyPattern

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")
_TYPED = LazyPattern(r"([0-9]{1,12})\s*([KMGT]?)i?B?", re.IGNORECASE)


def counted(number: int, noun: str) -> str:
    """Return ``1 object`` or ``25 objects``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def counted_objects(objects: int, *, hooks: int, backups: int) -> str:
    """Return ``6 objects, 2 hook objects, 1 backup``.

    Args:
        objects: of the release.
        hooks: objects of hooks, which are not counted among those of the release.
        backups: that are made.
    """
    parts = (objects, "object"), (hooks, "hook object"), (backups, "backup")
    return ", ".join(counted(number, noun) for number, noun in parts if number) or counted(0, "object")


def shortened(text: str, max_chars: int) -> str:
    """Return ``text``, or its beginning and an ellipsis, in at most ``max_chars`` characters."""
    return text if len(text) <= max_chars else f"{text[: max_chars - 1]}…"


def cut(text: str, max_bytes: int) -> str:
    """Cut a text to at most ``max_bytes`` of UTF-8, with an ellipsis where something is lost."""
    content = text.encode(errors="replace")
    if len(content) <= max_bytes:
        return content.decode()
    return content[: max_bytes - 3].decode(errors="ignore") + "…"


def sentence(text: str) -> str:
    """Return a text that begins as a sentence does: what to do, as it is shown.

    Only a plain word gets its capital: whatever else a text begins with is a name, or a value that would not be
    known again as one to mask.
    """
    word = text.partition(" ")[0].rstrip(",;:.")
    return f"{text[0].upper()}{text[1:]}" if word.isalpha() else text


def first_of(names: Sequence[str], shown: int) -> list[str]:
    """Return the first names, and how many more there are."""
    return [*names[:shown], *([f"and {len(names) - shown} more"] if len(names) > shown else [])]


def listed(names: Sequence[str], shown: int) -> str:
    """Return the first names in one line, and how many more there are: ``a, b and 3 more``."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def shown_bytes(count: float) -> str:
    """Return ``17 B``, ``3.1 GiB``."""
    size, unit = float(count), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 or size >= 99.95 else f"{size:.1f} {_UNITS[unit]}"


def shown_excess(found: int, limit: int) -> tuple[str, str]:
    """Return a size and the limit that it exceeds, in units that tell them apart."""
    shown = shown_bytes(found), shown_bytes(limit)
    return shown if shown[0] != shown[1] else (f"{found} bytes", f"{limit} bytes")


def roomy(count: int) -> str:
    """Return a round size, as it is typed, that ``count`` bytes fit into: ``16MiB``, ``2GiB``."""
    size = max(1 << 20, 1 << max(count - 1, 0).bit_length())
    return f"{size >> 30}GiB" if size >= 1 << 30 else f"{size >> 20}MiB"


def parse_bytes(text: str) -> int:
    """Read ``4G``, ``700M``, ``1048576``; units are powers of 1024.

    Raises:
        ValueError: when it is not a size.
    """
    match = _TYPED.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise ValueError(f"{text!r} is not a size; write 4G, 700M or a number of bytes")
    return int(match[1]) << (10 * " KMGT".index(match[2].upper() or " "))


def seconds(value_s: float) -> str:
    """Return a duration as people read it: ``0.8 s``, ``12 s``, ``3 m 05 s``."""
    if value_s < 10:
        return f"{value_s:.1f} s"
    if value_s < 60:
        return f"{value_s:.0f} s"
    minutes, rest = divmod(round(value_s), 60)
    return f"{minutes} m {rest:02d} s"
