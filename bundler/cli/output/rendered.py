"""What ``bundler template`` prints. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import wire
from bundler.cli.terminal.text import Line
from bundler.model.size import counted
from bundler.syntax.writer import dump_yaml

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.model.rendered import RenderedObjects, RenderedText, SplitObjects


def show_text(app: App, rendered: RenderedText) -> None:
    """Print what templates rendered, as it is."""
    _prepare(app, rendered)
    app.screen.text(rendered.text)


def show_objects(app: App, rendered: RenderedObjects) -> None:
    """Print the objects that would be sent, as one list."""
    _prepare(app, rendered)
    app.screen.document(wire.objects.list_form(list(rendered.objects)), app.output)


def show_documents(app: App, rendered: RenderedObjects) -> None:
    """Print objects as YAML documents, for kubectl; with -o json or yaml, as one list."""
    if app.output != "text":
        show_objects(app, rendered)
        return
    _prepare(app, rendered)
    app.screen.text("---\n".join(dump_yaml(body) for body in rendered.objects))


def show_split(app: App, split: SplitObjects) -> None:
    """Print which files of a folder are new, changed and gone."""
    for warning in split.warnings:
        app.screen.warn(warning)
    if app.output != "text":
        app.screen.document(wire.objects.split_form(split), app.output)
        return
    marked = ((split.added, "+", "green"), (split.changed, "~", "yellow"), (split.removed, "-", "red"))
    app.screen.lines(Line(f"{sign} {path}", style) for paths, sign, style in marked for path in paths)
    said = ", ".join(f"{len(paths)} {word}" for paths, word in _split_counts(split) if paths) or "nothing changes"
    app.screen.say(f"{counted(len(split.files), 'file')} in {split.folder}: {said}")


def _split_counts(split: SplitObjects) -> list[tuple[tuple[str, ...], str]]:
    words = ("missing", "different", "stale") if split.is_check else ("added", "changed", "removed")
    return [*zip((split.added, split.changed, split.removed), words, strict=True)]


def _prepare(app: App, rendered: RenderedText | RenderedObjects) -> None:
    app.redactor.learn(*rendered.sensitive)
    for warning in rendered.warnings:
        app.screen.warn(warning)
