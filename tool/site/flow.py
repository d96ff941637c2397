"""Diagrams from text: a ```` ```flow ```` block is a chain of boxes, a line `Title: text` each."""

from __future__ import annotations

import re
from html import escape

_BLOCK = re.compile(r"^```flow\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WIDTH, _HEIGHT, _GAP = 680, 34, 16
_TEXT_X = 150


def draw_flows(markdown: str) -> str:
    """Replace each block by a picture that takes the colours of the page."""
    return _BLOCK.sub(lambda block: _picture(block[1].splitlines()), markdown)


def _picture(lines: list[str]) -> str:
    step = _HEIGHT + _GAP
    parts = [f'<svg class="flow" role="img" viewBox="0 0 {_WIDTH} {step * len(lines) - _GAP + 2}">']
    for number, line in enumerate(lines):
        parts.append(_box(line, top=1 + number * step))
        if number:
            parts.append(_arrow(end=1 + number * step))
    return "".join([*parts, "</svg>"])


def _box(line: str, *, top: int) -> str:
    title, _, text = line.replace("`", "").partition(": ")
    return (
        f'<rect x="1" y="{top}" width="{_WIDTH - 2}" height="{_HEIGHT}" rx="4"/>'
        f'<text x="14" y="{top + 22}" class="title">{escape(title)}</text>'
        f'<text x="{_TEXT_X}" y="{top + 22}">{escape(text)}</text>'
    )


def _arrow(*, end: int) -> str:
    return f'<path d="M 40 {end - _GAP} V {end - 2} m -4 -5 l 4 5 l 4 -5"/>'
