"""What ``bundler values`` prints. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.compose.compose import expression_names
from bundler.cli.terminal.text import table
from bundler.model.lean import dataclass
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
    computed = order.confinement.run(
        lambda: _computed(order, explain, is_masked=not shows_secrets),
        doing=f"computing the values of {order.bundle.metadata.name}",
    )
    for warning in computed.warnings:
        app.screen.warn(warning)
    if explain is not None:
        _show_rows(app, computed.rows)
        return
    if shows_secrets:
        app.screen.show_secrets()
    data = computed.data
    if app.output == "json":
        app.screen.document(data, "json")
    else:
        app.screen.text(dump_yaml(data))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Computed:
    """What is shown of values."""

    warnings: tuple[str, ...]
    data: Body
    rows: tuple[ExplainRow, ...]


def _computed(order: RenderRequest, explain: str | None, *, is_masked: bool) -> _Computed:
    with order.codes as codes:
        values = compute_values(order.bundle, order.user, names=expression_names(order), codes=codes)
    if explain is not None:
        return _Computed(warnings=values.warnings, data={}, rows=explain_values(values, explain))
    return _Computed(warnings=values.warnings, data=whole_data(values, is_masked=is_masked), rows=())


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
