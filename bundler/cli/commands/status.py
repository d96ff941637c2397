"""``bundler status``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.inspect.status import release_state
from bundler.cli.adapters.cluster import connect
from bundler.cli.output.state import show_state
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("status")
@release_argument
def status_command(app: App, release: str) -> None:
    """Show RELEASE: its newest revision, the health of each of its objects, its notes."""
    connection = connect(app)
    show_state(app, release_state(connection.ports, connection.namespace, release))
