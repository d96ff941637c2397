"""``bundler create``. Layer: cli."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from bundler.actions.author.create import create_bundle
from bundler.cli.parsing.command import FilePath, verb
from bundler.cli.terminal.text import Line
from bundler.wire.bundles import created_form

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.session.app import App


@verb("create")
@click.argument("name", type=FilePath())
@click.option("--with", "components", default="", metavar="NAME,…", help="Shipped bundles to add: postgres,redis.")
def create_command(app: App, name: Path, *, components: str) -> None:
    """Make a new bundle in the folder NAME: small, clean, and ready to install."""
    files = create_bundle(name, [part for part in components.split(",") if part])
    app.show(created_form(name.resolve().name, files), (Line(str(file)) for file in files))
    place = name if "/" in str(name) or str(name) == "." else f"./{name}"
    app.screen.say(f"try it: bundler install {shlex.quote(str(place))} --context sandbox")
