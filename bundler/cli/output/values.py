"""What ``bundler values`` prints. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.terminal.text import table
from bundler.syntax.writer import dump_yaml
from bundler.wire.bundles import value_forms

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.model.json import Body
    from bundler.values.explain import ExplainRow


def show_values(app: App, data: Body) -> None:
    """Print all values; text is YAML."""
    if app.output == "json":
        app.screen.document(data, "json")
    else:
        app.screen.text(dump_yaml(data))


def show_origins(app: App, rows: tuple[ExplainRow, ...]) -> None:
    """Print who set each value."""
    cells = [(row.path, row.value, row.layer, row.source + (f": {row.formula}" if row.formula else "")) for row in rows]
    app.show(value_forms(rows), table(cells, heads=("VALUE", "IS", "LAYER", "SET BY")))
