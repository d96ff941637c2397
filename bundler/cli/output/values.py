"""What ``bundler values`` prints. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.compose.compose import expression_names
from bundler.cli.terminal.text import table
from bundler.syntax.writer import dump_yaml
from bundler.values.compute import compute_values
from bundler.values.explain import explain as explain_values
from bundler.values.flatten import whole_data

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.cli.session.app import App
    from bundler.model.json import Body
    from bundler.values.explain import ExplainRow


def show_values(app: App, order: RenderRequest, *, explain: str | None, shows_secrets: bool) -> None:
    """Compute values and print them, or who set each.

    Raises:
        ValuesError: whatever is wrong with them.
    """
    with order.codes as codes:
        values = compute_values(order.bundle, order.user, names=expression_names(order), codes=codes)
    for warning in values.warnings:
        app.screen.warn(warning)
    if explain is not None:
        _show_rows(app, explain_values(values, explain))
        return
    if shows_secrets:
        app.screen.show_secrets()
    data = whole_data(values, is_masked=not shows_secrets)
    if app.output == "json":
        app.screen.document(data, "json")
    else:
        app.screen.text(dump_yaml(data))


def _show_rows(app: App, rows: tuple[ExplainRow, ...]) -> None:
    if app.output != "text":
        app.screen.document([_row_data(row) for row in rows], app.output)
        return
    cells = [(row.path, row.value, row.layer, row.source + (f": {row.formula}" if row.formula else "")) for row in rows]
    app.screen.lines(table(cells, heads=("VALUE", "IS", "LAYER", "SET BY")))


def _row_data(row: ExplainRow) -> Body:
    """Return a row as data: values are themselves, whole; null is deleted."""
    return {
        "path": row.path,
        "value": row.whole,
        "layer": row.layer,
        "source": row.source,
        "formula": row.formula,
        "overridden": [{"layer": said.layer, "source": said.source, "value": said.whole} for said in row.overridden],
    }
