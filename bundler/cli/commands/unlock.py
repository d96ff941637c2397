"""``bundler unlock``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.flows.unlock import carry_out_unlock
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("unlock")
@release_argument
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def unlock_command(app: App, *, release: str, yes: bool) -> int:
    """Break the lock of RELEASE when you are sure that its holder is dead.

    A run that is alive after all notices before its next write, and stops.
    """
    return carry_out_unlock(app, release, is_yes=yes)
