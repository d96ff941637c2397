"""How open rollouts are shown. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.terminal.text import Line
from bundler.wire.releases import summary_form

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.model.release import RevisionSummary


def show_paused(app: App, summary: RevisionSummary) -> None:
    """Print how far a rollout had come when it was paused."""
    if app.output != "text":
        app.screen.document(summary_form(summary), app.output)
    else:
        app.screen.lines(
            [Line(f"release {summary.release}: revision {summary.revision} at {summary.rollout}", "green")]
        )
