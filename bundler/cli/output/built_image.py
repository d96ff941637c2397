"""What ``bundler image build`` prints. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.terminal.text import Line, table
from bundler.model.size import counted, shown_bytes
from bundler.wire.images import built_image_form

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.model.image_build import BuiltImage, BuiltPlatform


def show_built(app: App, built: BuiltImage) -> None:
    """Print each platform with its layers, then what came of it."""
    if app.output != "text":
        app.screen.document(built_image_form(built), app.output)
        return
    heads = ("PLATFORM", "LAYERS", "SIZE", "ADDED", "DIGEST")
    app.screen.lines(table([_row(one) for one in built.platforms], heads=heads))
    if len(built.platforms) > 1:
        app.screen.lines([Line(f"index  {built.digest}")])
    app.screen.say(_summary(built), "green")


def _row(one: BuiltPlatform) -> tuple[str, ...]:
    added = sum(layer.size for layer in one.layers if layer.is_added)
    return one.platform, str(len(one.layers)), shown_bytes(one.size), shown_bytes(added), one.digest


def _summary(built: BuiltImage) -> str:
    did = "was there already, the same image:" if built.was_there else "built"
    left_out = f", {built.added.left_out} left out" if built.added.left_out else ""
    files = f"{counted(built.added.files, 'file')} of {shown_bytes(built.added.size)}{left_out}"
    packages = max(one.packages for one in built.platforms)
    sbom = f"SBOM with {counted(packages, 'package')}" + (" attached" if built.platforms[0].sbom else " written")
    return f"{did} {built.place}: {files}; {sbom}; {shown_bytes(built.sent_bytes)} sent"
