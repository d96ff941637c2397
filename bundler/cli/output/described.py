"""What ``bundler show`` prints. Layer: cli."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from bundler.cli.terminal.text import Line, table
from bundler.model.size import counted, seconds, shown_bytes
from bundler.syntax.json_text import dump_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bundler.cli.session.app import App
    from bundler.wire.bundles import DescriptionForm, StepRulesForm
    from bundler.wire.deliveries import DeliveryForm


def show_description(app: App, description: DescriptionForm) -> None:
    """Print a bundle's description in the form that -o asks for."""
    match app.output:
        case "text":
            app.screen.lines(_text(description))
        case "markdown":
            app.screen.text("".join(f"{line}\n" for line in markdown(description)))
        case "html":
            app.screen.text(_html(description))
        case _:
            app.screen.document(description, app.output)


def _text(description: DescriptionForm) -> Iterator[Line]:
    yield Line(f"{description['name']}: {description['description']}".rstrip(": "), "bold")
    yield from (Line(f"  {title:<14} {value}") for title, value in _facts(description).items() if value)
    yield from _table_below(_component_rows(description), "COMPONENT", "BUNDLE", "WHEN", "NEEDS")
    yield from _table_below(_output_rows(description), "OUTPUT", "IS")
    gates = [(gate["name"], gate["expr"] or gate["job"]) for gate in description["gates"]]
    yield from _table_below(gates, "GATE", "ASKS")
    made = [
        (one["name"], one["kind"], f"{one['secret']}, {one['key']}", one["when"]) for one in description["generates"]
    ]
    yield from _table_below(made, "MADE ONCE", "KIND", "SECRET, KEY", "WHEN")
    yield from _reach(description)
    yield from _table_below(_menu_rows(description), "VALUE", "TYPE", "DEFAULT", "ALLOWED", "WHAT IT IS")
    if "delivery" in description:
        yield Line("")
        yield from _delivery(description["delivery"])


def _table_below(rows: Sequence[tuple[str, ...]], *heads: str) -> Iterator[Line]:
    """Return a table below an empty line; nothing without rows."""
    if rows:
        yield Line("")
        yield from table(rows, heads=heads)


def _facts(description: DescriptionForm) -> dict[str, str]:
    return {
        "version": description["version"],
        "application": description["appVersion"],
        "digest": description["digest"],
        "Kubernetes": description["kubeVersion"],
        "upgrades from": description["upgradeFrom"],
        "backed up by": description["backup"],
        "in steps": _steps(description["steps"]),
        "needs": ", ".join(description["needs"]),
    }


def _steps(steps: StepRulesForm | None) -> str:
    """Return the shares of each step, and what is not as without rules."""
    if steps is None:
        return ""
    shares = [", ".join(steps["default"])] if steps["default"] else []
    shares += [f"{path} {', '.join(own)}" for path, own in steps["components"].items()]
    soak = f"soak {seconds(steps['soakSeconds'])}" if steps["soakSeconds"] else ""
    pause = f"pause after {steps['pauseAfter']}" if steps["pauseAfter"] != "none" else ""
    return "; ".join(filter(None, (*shares, soak, pause, "required" if steps["required"] else "")))


def _delivery(delivery: DeliveryForm) -> Iterator[Line]:
    blobs, size = delivery["blobs"], shown_bytes(delivery["bytes"])
    yield Line(f"delivery {delivery['build']}: {counted(blobs, 'blob')}, {size}")
    if base := delivery["base"]:
        left = counted(delivery["leftToBase"], "layer")
        yield Line(f"  builds on {base['name']} {base['version']}, which brought {left}")
    if tool := delivery["tool"]:
        yield Line(f"  carries bundler {tool}")
    rows = [
        (
            image["ref"],
            shown_bytes(image["bytes"]),
            ", ".join(image["platforms"]),
            image["digest"],
        )
        for image in delivery["images"]
    ]
    yield from table(rows, heads=("IMAGE", "SIZE", "PLATFORMS", "DIGEST"))


def _reach(description: DescriptionForm) -> Iterator[Line]:
    reach = description["reach"]
    lists = {"clusterScoped": reach["clusterScoped"], "namespaces": reach["namespaces"], "grants": reach["grants"]}
    said = [f"{key}: {', '.join(names)}" for key, names in lists.items() if names]
    if said:
        yield Line("")
        yield Line("reaches out of its namespace:", "yellow")
        yield from (Line(f"  {line}", "yellow") for line in said)


def _component_rows(description: DescriptionForm) -> list[tuple[str, ...]]:
    return [
        (
            one["name"],
            f"{one['bundle']} {one['version']}",
            one["when"] or "always",
            ", ".join(one["needs"]),
        )
        for one in description["components"]
    ]


def _output_rows(description: DescriptionForm) -> list[tuple[str, ...]]:
    values = {one["name"]: one["value"] for one in description["outputs"]}
    return [(name, value if isinstance(value, str) else dump_json(value)) for name, value in values.items()]


def _menu_rows(description: DescriptionForm) -> list[tuple[str, ...]]:
    return [
        (
            item["path"],
            item["type"],
            "derived" if item["derived"] else item["default"],
            item["allowed"],
            item["description"],
        )
        for item in description["menu"]
    ]


def markdown(description: DescriptionForm) -> Iterator[str]:
    """Yield the lines of a description as Markdown: name, description, then a section for each table."""
    yield f"# {description['name']} {description['version']}"
    if text := description["description"]:
        yield from ("", _escaped(text))
    for title, heads, rows in _tables(description):
        yield from ("", f"## {title}", "", "| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads))
        yield from ("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows)


def _tables(description: DescriptionForm) -> Iterator[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    if rows := _component_rows(description):
        yield "Components", ("Component", "Bundle", "When", "Needs"), rows
    if rows := _output_rows(description):
        yield "Outputs", ("Output", "Is"), rows
    if rows := _menu_rows(description):
        yield "Values", ("Value", "Type", "Default", "Allowed", "What it is"), rows


def _cell(text: str) -> str:
    return _escaped(" ".join(text.split()))


def _escaped(text: str) -> str:
    """Return foreign text so that Markdown shows it as it is."""
    return "".join(f"\\{character}" if character in "\\`*_{}[]<>#|" else character for character in text)


def _html(description: DescriptionForm) -> str:
    parts = [f"<h1>{html.escape(description['name'])} {html.escape(description['version'])}</h1>"]
    parts.append(f"<p>{html.escape(description['description'])}</p>")
    for title, heads, rows in _tables(description):
        head = "".join(f"<th>{cell}</th>" for cell in heads)
        body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
        parts.append(f"<h2>{title}</h2>\n<table>\n<tr>{head}</tr>\n{body}</table>")
    title = html.escape(description["name"])
    return f'<!doctype html>\n<meta charset="utf-8">\n<title>{title}</title>\n' + "\n".join(parts) + "\n"
