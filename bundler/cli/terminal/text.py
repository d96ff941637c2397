"""Text that is safe on a terminal. Layer: cli, pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bundler.model.lean import dataclass
from bundler.model.size import shortened

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_ESCAPES: Final = (
    r"(?s)\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\Z)"  # OSC, DCS, SOS, PM, APC: titles, links, clipboard
    r"|\x1b[ -/]*[0-~]?"  # everything shorter
)
_UNSAFE: Final = (
    "\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # controls, marks that change the direction of what follows
)
_CONTROLS: Final = f"[\x00-\x08\x0b-\x1f{_UNSAFE}]"

_NARROW: Final = 12
_CODES: Final = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
    "dim": "2",
    "bold": "1",
    "alarm": "1;31",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output and how it looks where there are colours."""

    text: str
    style: str = ""


def clean(text: str) -> str:
    """Return foreign text without control sequences; line ends and tabs stay."""
    if text.isprintable():
        return text
    return re.sub(_CONTROLS, "", re.sub(_ESCAPES, "", text.replace("\r\n", "\n")))


def escaped(document: str) -> str:
    """Return a JSON document with what a terminal would act on written as escapes; it says the same."""
    return re.sub(f"[{_UNSAFE}]", lambda found: f"\\u{ord(found[0]):04x}", document)


def paint(text: str, style: str, *, has_color: bool) -> str:
    """Return ``text`` in a style; as it is where there are no colours.

    Args:
        text: to print.
        style: name of the style.
        has_color: False returns the text as it is.
    """
    if not has_color or not style or not text:
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def table(
    rows: Sequence[tuple[str, ...]],
    *,
    heads: tuple[str, ...],
    columns: int | None = None,
    shrinking: Collection[str] = (),
) -> list[Line]:
    """Return columns as wide as their widest cell; the last one keeps its own length.

    Args:
        rows: of cells.
        heads: of the columns.
        columns: how wide a line may be; None: as wide as it comes.
        shrinking: the heads of columns whose cells are cut where a line would be wider; the others never are.
    """
    cells = [tuple(" ".join(clean(cell).split()) for cell in row) for row in rows]
    widths = [max(len(row[index]) for row in [heads, *cells]) for index in range(len(heads))]
    if columns is not None:
        _shrink(widths, columns, [index for index, head in enumerate(heads) if head in shrinking])
        cells = [tuple(shortened(cell, width) for cell, width in zip(row, widths, strict=True)) for row in cells]

    def laid(row: tuple[str, ...]) -> str:
        return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()

    return [Line(laid(heads), "bold"), *(Line(laid(row)) for row in cells)]


def _shrink(widths: list[int], columns: int, shrinking: Sequence[int]) -> None:
    """Take from the widest columns first, until a line fits or every one of them is narrow."""
    excess = sum(widths) + 2 * (len(widths) - 1) - columns
    while excess > 0 and shrinking:
        widest = max(shrinking, key=lambda index: widths[index])
        if widths[widest] <= _NARROW:
            return
        widths[widest] -= 1
        excess -= 1
