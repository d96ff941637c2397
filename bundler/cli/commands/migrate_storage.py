"""``bundler migrate-storage``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.adapters.session import named_site, open_session
from bundler.cli.flows.confirm import say_where
from bundler.cli.output.releases import show_migrated
from bundler.cli.parsing.change_options import policy_option
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.session.app import App


@verb("migrate-storage")
@click.argument("definition", metavar="CRD")
@click.option("--dry-run", is_flag=True, help="Let the server check every write, and write nothing.")
@policy_option
@click.option(
    "--outside-window",
    default="",
    metavar="REASON",
    help="Do it although the site's deployment windows are closed; no record keeps REASON, the output says it.",
)
def migrate_storage_command(
    app: App, *, definition: str, dry_run: bool, site_file: Path | None, outside_window: str
) -> None:
    """Write every object of CRD (PLURAL.GROUP) again as it is, so that all are stored in its storage version.

    After that the status of the CRD names no older version as stored, and a bundle may drop it. It can be run again at
    any time, and while others work with the objects.
    """
    session = open_session(app)
    policy = named_site(session, site_file)
    say_where(app, session, session.namespace)
    done = session.migrate_storage(definition, is_dry_run=dry_run, site=policy, outside_window=outside_window)
    show_migrated(app, done, is_dry_run=dry_run)
