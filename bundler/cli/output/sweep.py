"""What ``bundler values --sweep`` prints. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.terminal.text import table
from bundler.values.problems import shown_value
from bundler.wire.sweep import sweep_form

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.model.json import JSONValue
    from bundler.model.sweep import SweepResult


def show_sweep(app: App, result: SweepResult) -> None:
    """Print a column for each point and a row for each value that is not the same at all of them."""
    cells = [(row.path, *(_cell(value) for value in row.values)) for row in result.rows]
    app.show(sweep_form(result), table(cells, heads=(result.path, *result.points)))


def _cell(value: JSONValue) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else shown_value(value, is_sensitive=False)


def warn_of_refused(app: App, result: SweepResult) -> None:
    """Name the points that the bundle does not accept."""
    for one in result.refused:
        app.screen.warn(f"{result.path}={one.point} is not accepted: {one.problem}")
