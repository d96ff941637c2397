"""``bundler history``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import library
from bundler.cli.adapters.session import open_session
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
    session = open_session(app)
    if not revision and not why:
        unreadable: list[BundlerError] = []
        show_history(app, session.history(release, on_unreadable=unreadable.append))
        library.inspecting.raise_unreadable(unreadable)
        return
    loaded = session.revision(release, revision or 0)
    (show_evidence if why else show_revision)(app, loaded)
