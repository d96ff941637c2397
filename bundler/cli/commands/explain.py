"""``bundler explain``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.adapters.session import named_site, open_session
from bundler.cli.output.explanation import show_explanation
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.bundle_options import fetch_or_offline_options
from bundler.cli.parsing.change_options import policy_option
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.session.app import App


@verb("explain")
@release_argument
@click.argument("name", metavar="OBJECT")
@click.argument("field", default="")
@click.option("--bundle", default="", metavar="BUNDLE", help="Where the bundle is now.  [default: as it was installed]")
@policy_option
@fetch_or_offline_options
def explain_command(app: App, *, release: str, name: str, field: str, bundle: str, site_file: Path | None) -> None:
    """Say where FIELD of OBJECT (KIND/NAME) comes from: who owns it, which template line, values and revision.

    Without FIELD: all fields that follow values, and all that others set. The values are those that RELEASE
    recorded; the bundle is taken from where it was installed from, and has to be the same.
    """
    session = open_session(app)
    policy = named_site(session, site_file)
    show_explanation(app, session.explain_object(release, name, field, bundle=bundle, site=policy))
