"""``bundler controller``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.parsing.command import verb
from bundler.controller.definitions import all_definitions

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("controller", outputs=("text",))
@click.argument("doing", type=click.Choice(["definitions"]))
def controller_command(app: App, *, doing: str) -> None:
    """Keep releases as objects in the cluster say.

    definitions: print the CustomResourceDefinitions of these objects, for `kubectl apply -f -`.
    """
    del doing
    app.screen.text(all_definitions())
