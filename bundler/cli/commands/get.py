"""``bundler get``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.actions.inspect.release_queries import load_revision
from bundler.cli.adapters.cluster import connect
from bundler.cli.output.revision import show_manifest, show_notes, show_recorded_plan, show_values
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
@show_secrets_option
def get_command(app: App, *, part: str, release: str, revision: int | None, show_secrets: bool) -> None:
    """Print a part of what is recorded of RELEASE.

    values: what the user gave. manifest: the objects as sent. notes: as shown after install. plan: the objects, in
    the order in which they were written.
    """
    connection = connect(app)
    if show_secrets:
        app.screen.show_secrets()
    loaded = load_revision(
        connection.ports, connection.namespace, release, revision=revision or 0, shows_secrets=show_secrets
    )
    _SHOWS[part](app, loaded)
