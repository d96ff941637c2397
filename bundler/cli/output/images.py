"""How images are shown, and where an import brought them. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.terminal.text import Line, table
from bundler.model.size import counted, shown_bytes
from bundler.wire.deliveries import carried_form, imported_form, inventory_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bundler.cli.session.app import App
    from bundler.model.image import FoundImage, ImageInventory, ImageRef, LockedImage
    from bundler.model.imported import ImportResult


def show_inventory(app: App, inventory: ImageInventory, becomes: Mapping[ImageRef, str]) -> None:
    """Print every image that a bundle can need.

    Args:
        app: where to.
        inventory: the images.
        becomes: what references become at the site's registry; empty where none is named.
    """
    images = inventory.images
    if app.output == "plain":
        _plain(app, (image.ref for image in images), becomes)
    elif app.output == "text":
        app.screen.lines(_inventory_lines(images, becomes))
        pairs = "" if inventory.has_pairs else "; too many switches to try every two together"
        app.screen.say(
            f"{counted(len(images), 'image')}, over {counted(inventory.variants, 'setting')} of the switches{pairs}"
        )
    else:
        app.screen.document(inventory_form(inventory, becomes), app.output)


def show_carried(app: App, images: Sequence[LockedImage], becomes: Mapping[ImageRef, str]) -> None:
    """Print the images of a delivery, and what their references become.

    Args:
        app: the running command: its settings, output and clock.
        images: of the delivery.
        becomes: references at the site's registry.
    """
    if app.output == "plain":
        _plain(app, (image.ref for image in images), becomes)
    elif app.output == "text":
        heads = ("IMAGE", "PLATFORMS", "SIZE", "BECOMES" if becomes else "DIGEST")
        rows = [
            (str(one.ref), ",".join(one.platforms), shown_bytes(one.size), becomes.get(one.ref, one.digest))
            for one in images
        ]
        app.screen.lines(table(rows, heads=heads))
        app.screen.say(counted(len(images), "image"))
    else:
        app.screen.document(carried_form(images, becomes), app.output)


def show_import(app: App, result: ImportResult, registry: str) -> None:
    """Print what went where.

    Args:
        app: the running command: its settings, output and clock.
        result: of the action.
        registry: the site's registry.
    """
    if app.output != "text":
        app.screen.document(imported_form(result, registry), app.output)
        return
    rows = [(str(one.image.ref), one.target, "was there" if one.was_there else "imported") for one in result.images]
    app.screen.lines(table(rows, heads=("IMAGE", "AT THE SITE", "STATE")))
    if result.bundle is not None:
        app.screen.say(f"the bundle is {result.bundle}")
    new = sum(not one.was_there for one in result.images)
    app.screen.say(
        f"{counted(new, 'image')} imported, {len(result.images) - new} were there; "
        f"{counted(result.sent_blobs, 'blob')} and {shown_bytes(result.sent_bytes)} sent, "
        f"{counted(result.skipped_blobs, 'blob')} skipped",
        "green",
    )


def _plain(app: App, refs: Iterable[ImageRef], becomes: Mapping[ImageRef, str]) -> None:
    app.screen.lines(Line(becomes.get(ref) or str(ref)) for ref in refs)


def _inventory_lines(images: Iterable[FoundImage], becomes: Mapping[ImageRef, str]) -> list[Line]:
    lines: list[Line] = []
    for image in images:
        lines.append(Line(f"{image.ref}{f' -> {becomes[image.ref]}' if becomes else ''}", "bold"))
        lines += [Line(f"  {use.where}") for use in image.uses]
        if image.settings != ("",):
            lines.append(Line(f"  only with: {'; or '.join(image.settings)}", "dim"))
    return lines
