"""``bundler status``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.adapters.session import open_session
from bundler.cli.output.state import show_state
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("status")
@release_argument
def status_command(app: App, release: str) -> None:
    """Show RELEASE: its newest revision, the health of each of its objects, its notes."""
    show_state(app, open_session(app).status(release))
