"""``bundler get``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import library
from bundler.cli.adapters.session import open_session
from bundler.cli.output.revision import show_data, show_manifest, show_notes, show_recorded_plan, show_values
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.values_options import show_secrets_option

if TYPE_CHECKING:
    from bundler.cli.session.app import App

_SHOWS = {"values": show_values, "manifest": show_manifest, "notes": show_notes, "plan": show_recorded_plan}


@verb("get")
@click.argument("part", type=click.Choice(list(_SHOWS)))
@release_argument
@click.option("--revision", type=click.IntRange(min=1), help="Which revision.  [default: the newest]")
@click.option("--all", "is_all", is_flag=True, help="With values: all that the templates saw, defaults and derived.")
@show_secrets_option
def get_command(app: App, *, part: str, release: str, revision: int | None, is_all: bool, show_secrets: bool) -> None:
    """Print a part of what is recorded of RELEASE.

    values: what the user gave; with --all what came of it. manifest: the objects as sent. notes: as shown after
    install. plan: the objects, in the order in which they were written.
    """
    if is_all and part != "values":
        raise click.UsageError(f"--all is about values, not {part}")
    session = open_session(app)
    if show_secrets:
        app.screen.show_secrets()
    loaded = session.revision(release, revision or 0, shows_secrets=show_secrets)
    if is_all:
        show_data(app, library.inspecting.computed_values_of(loaded))
    else:
        _SHOWS[part](app, loaded)
