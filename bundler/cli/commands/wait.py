"""``bundler wait``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.adapters.session import open_session
from bundler.cli.output.state import show_state
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("wait")
@release_argument
def wait_command(app: App, release: str) -> None:
    """Wait until every object of RELEASE is ready; nothing is changed.

    A run that works on it is waited for first. Exits with 4 when --timeout ends
    first, with 1 when an object failed for good or that run died.
    """
    state = open_session(app).wait(release)
    app.telling.stop()
    show_state(app, state)
