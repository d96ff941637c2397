"""``bundler protect``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.flows.confirm import open_saying_where
from bundler.cli.output.releases import show_protection
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.change_options import lock_timeout_option
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("protect")
@release_argument
@click.option("--off", is_flag=True, help="Take the protection off.")
@click.option("-m", "--reason", default="", help="Why; shown by `status` and `list`.")
@lock_timeout_option
def protect_command(app: App, *, release: str, off: bool, reason: str, lock_timeout_s: float) -> None:
    """Protect RELEASE: every change that would uninstall it, make it older or lose its data is refused.

    Upgrades and rollbacks keep the protection; only `bundler protect RELEASE --off` takes it off. What holds the data
    of the release, and its namespace, get the annotation bundler.dev/protected, for an admission policy that refuses
    `kubectl delete` too.
    """
    session = open_saying_where(app)
    said = session.protect(release, is_on=not off, reason=reason, lock_timeout_s=lock_timeout_s)
    show_protection(app, release, session.namespace, said)
