"""``bundler controller``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli import flows
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.controller_options import controller_options
from bundler.cli.parsing.registry_options import registry_options
from bundler.controller.definitions import all_definitions

if TYPE_CHECKING:
    from bundler.cli.parsing.controller_options import ControllerWish
    from bundler.cli.session.app import App


@verb("controller", outputs=("text",))
@click.argument("doing", type=click.Choice(["run", "definitions", "change"]), metavar="[run|definitions]")
@controller_options
@registry_options
def controller_command(app: App, *, doing: str, wish: ControllerWish) -> None:
    """Keep releases as objects in the cluster say.

    run: compare each Release with its objects, install, upgrade and repair what differs, until it is interrupted; the
    options below are for it. Of several copies, one is active.

    definitions: print the CustomResourceDefinitions of these objects, for `kubectl apply -f -`.
    """
    match doing:
        case "run":
            flows.controller.keep_releases(app, wish)
        case "change":  # what `run` starts; it is not for people
            flows.controller.carry_out_change(app)
        case _:
            app.screen.text(all_definitions())
