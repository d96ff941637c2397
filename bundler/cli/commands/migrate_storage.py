"""``bundler migrate-storage``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.adapters.session import open_session
from bundler.cli.flows.confirm import say_where
from bundler.cli.output.releases import show_migrated
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("migrate-storage")
@click.argument("definition", metavar="CRD")
@click.option("--dry-run", is_flag=True, help="Let the server check every write, and write nothing.")
def migrate_storage_command(app: App, *, definition: str, dry_run: bool) -> None:
    """Write every object of CRD (PLURAL.GROUP) again as it is, so that all are stored in its storage version.

    After that the status of the CRD names no older version as stored, and a bundle may drop it. It can be run again at
    any time, and while others work with the objects.
    """
    session = open_session(app)
    say_where(app, session, session.namespace)
    show_migrated(app, session.migrate_storage(definition, is_dry_run=dry_run), is_dry_run=dry_run)
