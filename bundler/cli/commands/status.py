"""``bundler status``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import library
from bundler.cli import output
from bundler.cli.adapters.session import open_session
from bundler.cli.output.releases import warn_of_pause
from bundler.cli.output.state import show_state
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("status", outputs=("text", "json", "yaml", "html"))
@release_argument
def status_command(app: App, release: str) -> None:
    """Show RELEASE: its newest revision, the health of each of its objects, its notes.

    With -o html: one page of these by component, with what drifted, the history, and why a revision failed last.
    """
    session = open_session(app)
    state = session.status(release)
    warn_of_pause(app, state.revision.summary)
    if app.output == "html":
        history = session.history(release, on_unreadable=lambda error: app.screen.warn(str(error)))
        about = output.state_page.About(
            history=history,
            failed=library.inspecting.last_evidence(session.scope, release, history),
            drift=session.drift(release) if state.deployed else None,
        )
        output.state_page.show_state_page(app, state, about)
    else:
        show_state(app, state)
