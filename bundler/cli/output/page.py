"""A report as one page of HTML that asks for nothing and runs nothing. Layer: cli, pure.

It is read with a keyboard as well as with a mouse, and without telling red from green: what is added and what is
removed differ by sign, by blue and orange, and by the element that they stand in.
"""

from __future__ import annotations

import base64
import hashlib
import html
from typing import TYPE_CHECKING, Final

from bundler.cli.terminal.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bundler.cli.output.report import Item, Listing, Report, Table

_OPEN_ITEMS = 12
"""So many objects are shown unfolded; a page of more begins with their names."""
_SIGNS: Final = {"create": "+", "update": "~", "recreate": "±", "delete": "−"}  # noqa: RUF001 - a minus to be read
_STYLE: Final = """
:root{color-scheme:light dark;--add:#0a4a8f;--del:#9a4a00;--line:#8a8f98;--soft:#f3f4f6;--text:#16181d;--page:#fff}
@media (prefers-color-scheme:dark){:root{--add:#8ec5ff;--del:#ffb366;--line:#6b717b;--soft:#20242b;--text:#e8eaed;
--page:#14171c}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main{max-width:72rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.15rem;margin:1.75rem 0 .5rem}
.summary{font-size:1.1rem;font-weight:600;margin:.25rem 0 1rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:0}
dt{color:var(--text);opacity:.75}dd{margin:0;overflow-wrap:anywhere}
ul,ol{margin:.25rem 0;padding-left:1.5rem}li{overflow-wrap:anywhere}
.alarm{border-left:.35rem double var(--del);padding:.25rem .75rem;margin:.5rem 0;background:var(--soft)}
details{border:1px solid var(--line);border-radius:.35rem;margin:.4rem 0}
summary{cursor:pointer;padding:.45rem .75rem;background:var(--soft);overflow-wrap:anywhere}
:focus-visible{outline:3px solid var(--add);outline-offset:2px}
.sign{display:inline-block;min-width:1.25rem;font-weight:700;font-family:ui-monospace,monospace}
.remark{opacity:.8}.because{margin:.4rem .75rem;overflow-wrap:anywhere}
pre{margin:0;padding:.5rem .75rem;overflow:auto;font:13px/1.45 ui-monospace,monospace}
ins,del{text-decoration:none;display:block;font-weight:600}
ins{color:var(--add);border-left:4px solid var(--add);padding-left:.4rem}
del{color:var(--del);border-left:4px dotted var(--del);padding-left:.4rem}
pre span{display:block;padding-left:calc(.4rem + 4px)}.at{opacity:.7}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);
vertical-align:top;overflow-wrap:anywhere}th:first-child{width:40%}
@media print{details:not([open])>*{display:block}}
""".strip()


def page(report: Report) -> str:
    """Return a report as a page."""
    return "".join(_parts(report))


def _parts(report: Report) -> Iterator[str]:
    title = _text(report.title)
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield '<meta name="referrer" content="no-referrer">\n'
    yield f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
    yield f'<h1>{title}</h1>\n<p class="summary">{_text(report.summary)}</p>\n'
    facts = (f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>\n" for name, value in report.facts.items() if value)
    yield f"<dl>\n{''.join(facts)}</dl>\n"
    for kind, subject in report.alarms:
        yield f'<p class="alarm"><strong>! {_text(kind)}</strong>: {_text(subject)}</p>\n'
    for listing in report.listings:
        yield from _listing(listing)
    for table in report.tables:
        yield from _table(table)
    if report.items:
        yield "<h2>Objects</h2>\n"
        is_open = len(report.items) <= _OPEN_ITEMS
        for item in report.items:
            yield from _item(item, is_open=is_open)
    if report.kept:
        yield f"<h2>Kept</h2>\n<ul>\n{_items(report.kept)}</ul>\n"
    for listing in report.ends:
        yield from _listing(listing)
    yield "</main>\n</body>\n</html>\n"


def _item(item: Item, *, is_open: bool) -> Iterator[str]:
    remark = f' <span class="remark">({_text(item.remark)})</span>' if item.remark else ""
    headline = f"{_text(item.action)} {_text(item.name)}{remark}"
    sign = f'<span class="sign" aria-hidden="true">{_SIGNS.get(item.action, "")}</span>'
    yield f"<details{' open' if is_open else ''}>\n<summary>{sign} {headline}</summary>\n"
    yield from (f'<p class="because">{_text(line)}</p>\n' for line in item.because)
    for word, said in item.notes:
        yield f'<p class="alarm"><strong>! {_text(word)}</strong>: {_text(said)}</p>\n'
    lines = "".join(map(_line, item.lines)) or "<span>no line of it differs</span>"
    yield f'<pre tabindex="0" role="region" aria-label="{_text(f"{item.action} {item.name}")}">{lines}</pre>\n'
    yield "</details>\n"


def _line(line: str) -> str:
    text = _text(line)
    match line[:1]:
        case "+":
            return f"<ins>{text}</ins>"
        case "-":
            return f"<del>{text}</del>"
        case "@":
            return f'<span class="at">{text}</span>'
        case _:
            return f"<span>{text or ' '}</span>"


def _listing(listing: Listing) -> Iterator[str]:
    kind = "ol" if listing.is_ordered else "ul"
    if listing.lines:
        yield f"<h2>{_text(listing.title)}</h2>\n<{kind}>\n{_items(listing.lines)}</{kind}>\n"


def _items(lines: Iterable[str]) -> str:
    return "".join(f"<li>{_text(line)}</li>\n" for line in lines)


def _table(table: Table) -> Iterator[str]:
    heads = "".join(f'<th scope="col">{_text(head)}</th>' for head in table.heads)
    yield f"<h2>{_text(table.title)}</h2>\n<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n"
    for row in table.rows:
        yield f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>\n"
    yield "</tbody>\n</table>\n"


def _text(text: str) -> str:
    return html.escape(clean(text))
