"""``bundler history``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.actions.inspect.release_queries import list_revisions, load_revision, raise_unreadable
from bundler.cli.adapters.cluster import connect
from bundler.cli.output.releases import show_history
from bundler.cli.output.revision import show_evidence, show_revision
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.errors import BundlerError


@verb("history")
@release_argument
@click.option("--revision", type=click.IntRange(min=1), help="Show one revision: who, from where, why.")
@click.option("--why", is_flag=True, help="Show the report of a failure: of --revision, or of the newest.")
def history_command(app: App, *, release: str, revision: int | None, why: bool) -> None:
    """List the revisions of RELEASE, oldest first."""
    connection = connect(app)
    if not revision and not why:
        unreadable: list[BundlerError] = []
        store = connection.ports.store
        show_history(app, list_revisions(store, connection.namespace, release, on_unreadable=unreadable.append))
        raise_unreadable(unreadable)
        return
    loaded = load_revision(connection.ports, connection.namespace, release, revision=revision or 0)
    (show_evidence if why else show_revision)(app, loaded)
