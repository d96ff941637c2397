"""What ``bundler template`` prints. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.syntax.writer import dump_yaml
from bundler.wire.objects import list_form

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.model.rendered import RenderedObjects, RenderedText


def show_text(app: App, rendered: RenderedText) -> None:
    """Print what templates rendered, as it is."""
    _prepare(app, rendered)
    app.screen.text(rendered.text)


def show_objects(app: App, rendered: RenderedObjects) -> None:
    """Print the objects that would be sent, as one list."""
    _prepare(app, rendered)
    app.screen.document(list_form(list(rendered.objects)), app.output)


def show_documents(app: App, rendered: RenderedObjects) -> None:
    """Print objects as YAML documents, for kubectl; with -o json or yaml, as one list."""
    if app.output != "text":
        show_objects(app, rendered)
        return
    _prepare(app, rendered)
    app.screen.text("---\n".join(dump_yaml(body) for body in rendered.objects))


def _prepare(app: App, rendered: RenderedText | RenderedObjects) -> None:
    app.redactor.learn(*rendered.sensitive)
    for warning in rendered.warnings:
        app.screen.warn(warning)
