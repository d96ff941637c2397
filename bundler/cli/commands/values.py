"""``bundler values``. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler import ReleaseRequest, values
from bundler.cli import flows, output
from bundler.cli.adapters.session import open_session
from bundler.cli.output.values import show_origins, show_values
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.bundle_options import fetch_options
from bundler.cli.parsing.command import gathered, verb
from bundler.cli.parsing.values_options import (
    release_name_option,
    show_secrets_option,
    values_options,
)
from bundler.errors import UsageError

if TYPE_CHECKING:
    from bundler import Session
    from bundler.cli.session.app import App


@verb("values")
@bundle_argument
@values_options()
@fetch_options
@release_name_option
@click.option("--explain", is_flag=False, flag_value="", default=None, metavar="[PATH]", help="Show what set a value.")
@click.option(
    "--sweep",
    metavar="PATH=A..B",
    help="Set a value to many, qps=100..20000 or qps=100,200, and print what follows from it.",
)
@click.option("--plot", metavar="FILE", help="Draw what --sweep finds: FILE.svg, FILE.png, or - for the terminal.")
@show_secrets_option
@gathered("request", ReleaseRequest)
def values_command(
    app: App,
    *,
    request: ReleaseRequest,
    explain: str | None,
    sweep: str | None,
    plot: str | None,
    show_secrets: bool,
) -> None:
    """Print the values that BUNDLE and its components work with.

    With --explain: each value, the layer that set it, the line or the option, the formula where it is derived.
    With --sweep: a table of what changes as one value is set to many.
    """
    if plot is not None and sweep is None:
        raise UsageError(
            "drawing a chart", context=["--plot is given without --sweep"], hint="add --sweep qps=100..20000"
        )
    session = open_session(app)
    if sweep is not None:
        _sweep(app, session, request, sweep, plot)
        return
    if explain is not None:
        explained = session.explain(request, explain)
        _warn(app, explained.warnings)
        show_origins(app, explained.rows)
        return
    computed = session.values(request, shows_secrets=show_secrets)
    _warn(app, computed.warnings)
    if show_secrets:
        app.screen.show_secrets()
    show_values(app, computed.data)


def _sweep(app: App, session: Session, request: ReleaseRequest, typed: str, plot: str | None) -> None:
    result = session.sweep(request, values.sweep.parse_sweep(typed, is_fine=plot is not None))
    output.sweep.warn_of_refused(app, result)
    if plot is None:
        output.sweep.show_sweep(app, result)
    elif plot == "-":
        app.screen.text(flows.chart.terminal_chart(result))
    else:
        flows.chart.write_chart(result, Path(plot))
        app.screen.say(f"{plot} written")


def _warn(app: App, warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        app.screen.warn(warning)
