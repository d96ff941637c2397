"""``bundler values``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.flows.acquire_bundle import make_order, take
from bundler.cli.output.values import show_origins, show_values
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.limit_options import bundle_limit_options
from bundler.cli.parsing.registry_options import registry_options
from bundler.cli.parsing.values_options import (
    release_name_option,
    show_secrets_option,
    values_options,
)

if TYPE_CHECKING:
    from bundler.actions.compose.user_values import Values
    from bundler.cli.session.app import App


@verb("values")
@bundle_argument
@values_options()
@registry_options
@bundle_limit_options
@release_name_option
@click.option("--explain", is_flag=False, flag_value="", default=None, metavar="[PATH]", help="Say who set each value.")
@show_secrets_option
def values_command(app: App, bundle: str, given: Values, release: str, explain: str | None, show_secrets: bool) -> None:
    """Print the values that BUNDLE and its components work with.

    With --explain: each value, the layer that set it, the line or the option, the formula where it is derived.
    """
    from bundler.actions.author.values import computed_values, explained_values  # noqa: PLC0415 - computing is loaded when it is needed

    order = make_order(app, take(app, bundle, given), given, release=release)
    if explain is not None:
        explained = explained_values(order, explain)
        _warn(app, explained.warnings)
        show_origins(app, explained.rows)
        return
    computed = computed_values(order, is_masked=not show_secrets)
    _warn(app, computed.warnings)
    if show_secrets:
        app.screen.show_secrets()
    show_values(app, computed.data)


def _warn(app: App, warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        app.screen.warn(warning)
