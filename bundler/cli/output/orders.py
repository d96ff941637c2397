"""How orders are shown. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.terminal.text import Line
from bundler.model.json import int_at, strings_at, text_at
from bundler.wire.orders import order_form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.cli.session.app import App
    from bundler.model.json import Body

_COUNTS = ("create", "update", "recreate", "delete")


def show_order(app: App, body: Body) -> None:
    """Print an order, and what its controller says of it."""
    form = order_form(body)
    said = ", suspended" if form["suspended"] else ""
    phase = ": ".join(filter(None, (form["phase"], form["message"])))
    style = "green" if form["ready"] or form["suspended"] else "yellow"
    lines = [Line(f"{form['kind']}/{form['name']}, generation {form['generation']}{said}", style)]
    if phase and not form["suspended"]:
        lines.append(Line(f"  {app.screen.shown(phase)}"))
    app.show(form, lines)


def waiting_plan_lines(plan: Body) -> Iterator[Line]:
    """Yield what waits for an approval, as ``.status.plan`` has it."""
    counts = ", ".join(f"{int_at(plan, name)} to {name}" for name in _COUNTS if int_at(plan, name))
    yield Line(f"plan {text_at(plan, 'digest')}: {counts or 'nothing'}", "bold")
    yield from (Line(f"  {why}", "yellow") for why in strings_at(plan, "why"))
    yield from (Line(f"  {line}") for line in text_at(plan, "text").splitlines())
