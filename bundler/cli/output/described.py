"""What ``bundler show`` prints. Layer: cli."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from bundler.cli.terminal.text import Line, table
from bundler.model.json import int_at, items_at, mapping_at, text_at
from bundler.model.size import counted, shown_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.cli.session.app import App
    from bundler.model.json import Body

_HEADS = ("VALUE", "TYPE", "DEFAULT", "ALLOWED", "WHAT IT IS")
_FACTS = (
    ("version", "version"),
    ("application", "appVersion"),
    ("digest", "digest"),
    ("Kubernetes", "kubeVersion"),
    ("upgrades from", "upgradeFrom"),
)


def show_description(app: App, description: Body) -> None:
    """Print a bundle's description in the form that -o asks for."""
    match app.output:
        case "text":
            app.screen.lines(_text(description))
        case "markdown":
            app.screen.text("".join(f"{line}\n" for line in _markdown(description)))
        case "html":
            app.screen.text(_html(description))
        case _:
            app.screen.document(description, app.output)


def _text(description: Body) -> Iterator[Line]:
    yield Line(f"{text_at(description, 'name')}: {text_at(description, 'description')}".rstrip(": "), "bold")
    for title, key in _FACTS:
        if value := text_at(description, key):
            yield Line(f"  {title:<14} {value}")
    components = _component_rows(description)
    if components:
        yield Line("")
        yield from table(components, heads=("COMPONENT", "BUNDLE", "WHEN", "NEEDS"))
    generated = items_at(description, "generates")
    if generated:
        yield Line("")
        rows = [
            (text_at(g, "name"), text_at(g, "kind"), f"{text_at(g, 'secret')}, {text_at(g, 'key')}") for g in generated
        ]
        yield from table(rows, heads=("MADE ONCE", "KIND", "SECRET, KEY"))
    yield from _reach(description)
    menu = _menu_rows(description)
    if menu:
        yield Line("")
        yield from table(menu, heads=_HEADS)
    if delivery := mapping_at(description, "delivery"):
        yield Line("")
        yield from _delivery(delivery)


def _delivery(delivery: Body) -> Iterator[Line]:
    blobs, size = int_at(delivery, "blobs"), shown_bytes(int_at(delivery, "bytes"))
    yield Line(f"delivery {text_at(delivery, 'build')}: {counted(blobs, 'blob')}, {size}")
    if base := mapping_at(delivery, "base"):
        left = counted(int_at(delivery, "leftToBase"), "layer")
        yield Line(f"  builds on {text_at(base, 'name')} {text_at(base, 'version')}, which brought {left}")
    if tool := text_at(delivery, "tool"):
        yield Line(f"  carries bundler {tool}")
    rows = [
        (
            text_at(image, "ref"),
            shown_bytes(int_at(image, "bytes")),
            ", ".join(map(str, _listed(image, "platforms"))),
            text_at(image, "digest"),
        )
        for image in items_at(delivery, "images")
    ]
    yield from table(rows, heads=("IMAGE", "SIZE", "PLATFORMS", "DIGEST"))


def _reach(description: Body) -> Iterator[Line]:
    reach = mapping_at(description, "reach")
    said = [f"{key}: {', '.join(map(str, value))}" for key, value in reach.items() if isinstance(value, list) and value]
    if said:
        yield Line("")
        yield Line("reaches out of its namespace:", "yellow")
        yield from (Line(f"  {line}", "yellow") for line in said)


def _component_rows(description: Body) -> list[tuple[str, ...]]:
    return [
        (
            text_at(one, "name"),
            f"{text_at(one, 'bundle')} {text_at(one, 'version')}",
            text_at(one, "when") or "always",
            ", ".join(map(str, _listed(one, "needs"))),
        )
        for one in items_at(description, "components")
    ]


def _listed(body: Body, key: str) -> list[object]:
    value = body.get(key)
    return list(value) if isinstance(value, list | tuple) else []


def _menu_rows(description: Body) -> list[tuple[str, ...]]:
    return [
        (
            text_at(item, "path"),
            text_at(item, "type"),
            "derived" if item.get("derived") else text_at(item, "default"),
            text_at(item, "allowed"),
            text_at(item, "description"),
        )
        for item in items_at(description, "menu")
    ]


def _markdown(description: Body) -> Iterator[str]:
    yield f"# {text_at(description, 'name')} {text_at(description, 'version')}"
    if text := text_at(description, "description"):
        yield from ("", _escaped(text))
    for title, heads, rows in _tables(description):
        yield from ("", f"## {title}", "", "| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads))
        yield from ("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows)


def _tables(description: Body) -> Iterator[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    if rows := _component_rows(description):
        yield "Components", ("Component", "Bundle", "When", "Needs"), rows
    if rows := _menu_rows(description):
        yield "Values", ("Value", "Type", "Default", "Allowed", "What it is"), rows


def _cell(text: str) -> str:
    return _escaped(" ".join(text.split()))


def _escaped(text: str) -> str:
    """Return foreign text so that Markdown shows it as it is."""
    return "".join(f"\\{character}" if character in "\\`*_{}[]<>#|" else character for character in text)


def _html(description: Body) -> str:
    parts = [f"<h1>{html.escape(text_at(description, 'name'))} {html.escape(text_at(description, 'version'))}</h1>"]
    parts.append(f"<p>{html.escape(text_at(description, 'description'))}</p>")
    for title, heads, rows in _tables(description):
        head = "".join(f"<th>{cell}</th>" for cell in heads)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
        parts.append(f"<h2>{title}</h2>\n<table>\n<tr>{head}</tr>\n{body}</table>")
    title = html.escape(text_at(description, "name"))
    return f'<!doctype html>\n<meta charset="utf-8">\n<title>{title}</title>\n' + "\n".join(parts) + "\n"
