"""A report as Markdown, for merge requests. Layer: cli, pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bundler.cli.terminal.text import clean
from bundler.model.size import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bundler.cli.output.report import Item, Report, Table

_FENCE_TICKS = 3
_NOTE_BYTES = 200
"""Room for the sentence that says what was left out."""


def markdown(report: Report, *, max_bytes: int = 0) -> str:
    """Return a report as Markdown.

    Args:
        report: what is shown.
        max_bytes: leave differences out, then objects, so that it is no longer than this; 0: all of it.
    """
    head = "".join(_head(report))
    heads, diffs = [_headline(item) for item in report.items], [_diff(item) for item in report.items]
    tail = "".join(_tail(report))
    whole = "".join((head, *(part for pair in zip(heads, diffs, strict=True) for part in pair), tail))
    if not max_bytes or _size(whole) <= max_bytes:
        return whole
    return _shortened((head, tail), heads, diffs, max_bytes)


def _shortened(ends: tuple[str, str], heads: Sequence[str], diffs: Sequence[str], max_bytes: int) -> str:
    """Keep the head, then as many objects as fit, then the differences of the first of those."""
    left = max_bytes - _NOTE_BYTES - _size(ends[0])
    has_tail = _size(ends[1]) <= left
    left -= _size(ends[1]) if has_tail else 0
    shown: list[str] = []
    for head in heads:
        if _size(head) > left:
            break
        left -= _size(head)
        shown.append(head)
    omitted = 0
    for index, (head, diff) in enumerate(zip(tuple(shown), diffs, strict=False)):
        if _size(diff) <= left:
            left -= _size(diff)
            shown[index] = head + diff
        else:
            omitted += 1
    missing = [counted(omitted, "difference")] if omitted else []
    missing += [counted(len(heads) - len(shown), "object")] if len(heads) > len(shown) else []
    missing += [] if has_tail else ["the steps"]
    note = f"\n> left out to stay below {max_bytes} bytes: {', '.join(missing)}\n" if missing else ""
    text = "".join((ends[0], note, *shown, ends[1] if has_tail else ""))
    return text if _size(text) <= max_bytes else text.encode()[:max_bytes].decode(errors="ignore")


def _size(text: str) -> int:
    return len(text.encode())


def _head(report: Report) -> Iterator[str]:
    yield f"# {_escaped(report.title)}\n\n"
    yield from (f"- {name}: {_code(value)}\n" for name, value in report.facts.items() if value)
    for listing in report.listings:
        yield from _list(listing.title, listing.lines)
    yield f"\n**{_escaped(report.summary)}**\n"
    yield from (f"\n> **{_escaped(kind)}**: {_code(subject)}\n" for kind, subject in report.alarms)
    for table in report.tables:
        yield from _table(table)


def _tail(report: Report) -> Iterator[str]:
    yield from (f"\nkept: {_code(line)}\n" for line in report.kept)
    for listing in report.ends:
        yield from _list(listing.title, listing.lines, mark="1." if listing.is_ordered else "-")


def _list(title: str, lines: Iterable[str], *, mark: str = "-") -> Iterator[str]:
    for index, line in enumerate(lines):
        yield f"\n## {_escaped(title)}\n\n" if index == 0 else ""
        yield f"{mark} {_code(line)}\n"


def _table(table: Table) -> Iterator[str]:
    yield f"\n## {_escaped(table.title)}\n\n| {' | '.join(table.heads)} |\n|{' --- |' * len(table.heads)}\n"
    yield from (f"| {' | '.join(_escaped(cell) for cell in row)} |\n" for row in table.rows)


def _headline(item: Item) -> str:
    notes = "".join(f"\n> **{_escaped(word)}**: {_code(said)}\n" for word, said in item.notes)
    remark = f"\n{_code(item.remark)}\n" if item.remark else ""
    because = "".join(f"\n{_code(line)}\n" for line in item.because)
    return f"\n### {item.action} {_code(item.name)}\n{remark}{because}{notes}"


def _diff(item: Item) -> str:
    if not item.lines:
        return ""
    lines = [clean(line).replace("\n", " ") for line in item.lines]
    longest = max((len(found) for line in lines for found in re.findall(r"`{3,}", line)), default=_FENCE_TICKS - 1)
    fence = "`" * max(_FENCE_TICKS, longest + 1)
    return f"\n{fence}diff\n" + "".join(f"{line}\n" for line in lines) + f"{fence}\n"


def _code(text: str) -> str:
    """Return foreign text as code, in one line."""
    return f"`{' '.join(clean(text).split()).replace('`', chr(39))}`"


def _escaped(text: str) -> str:
    """Return foreign text so that Markdown shows it as it is."""
    plain = " ".join(clean(text).split())
    return "".join(f"\\{character}" if character in "\\`*_{}[]<>#|" else character for character in plain)
