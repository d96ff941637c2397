"""What ``bundler support-bundle`` prints. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.terminal.text import Line
from bundler.model.size import shown_bytes
from bundler.wire.support import support_form

if TYPE_CHECKING:
    from bundler import SupportArchive
    from bundler.cli.session.app import App


def show_support(app: App, written: SupportArchive) -> None:
    """Print where the file is, and what could not be read."""
    for part in written.parts:
        for said in filter(None, (part.error, part.note)):
            app.screen.warn(f"{part.name}: {said}")
    if app.output != "text":
        app.screen.document(support_form(written), app.output)
        return
    app.screen.lines([Line(f"{written.path} ({shown_bytes(written.size_bytes)}, sha256 {written.sha256})")])
    app.screen.say("sensitive values are masked as far as they are known; look through logs/ before you pass it on")
