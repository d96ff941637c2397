"""``bundler rollout``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.adapters.session import open_session
from bundler.cli.output.rollouts import show_progress
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("rollout")
@release_argument
def rollout_command(app: App, release: str) -> None:
    """Show how far the upgrade in steps of RELEASE has come: old and new pods of each component, and its gates.

    Exits with 2 if no such upgrade is open. `bundler continue`, `pause` and `abort` change it.
    """
    show_progress(app, open_session(app).rollout(release))
