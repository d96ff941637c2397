"""``bundler show``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.actions.show import describe_bundle
from bundler.cli.options import registry_options
from bundler.cli.ordering import take_bundle
from bundler.cli.output.described import show_description
from bundler.cli.verb import verb

if TYPE_CHECKING:
    from bundler.cli.invocation import App


@verb("show", outputs=("text", "json", "yaml", "markdown", "html"))
@click.argument("bundle")
@registry_options
def show_command(app: App, bundle: str) -> None:
    """Describe BUNDLE: what it is, its components, and the menu of values that it takes."""
    show_description(app, describe_bundle(take_bundle(app, bundle)))
