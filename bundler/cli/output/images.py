"""How images are shown, and where an import brought them. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.terminal.text import Line, table
from bundler.images.rewrite import pinned, site_repository
from bundler.model.size import counted, shown_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bundler.cli.session.app import App
    from bundler.model.image import FoundImage, ImageInventory, ImageRef, LockedImage
    from bundler.model.imported import ImportResult
    from bundler.model.json import JSONValue
    from bundler.model.site import SiteRegistry


def show_inventory(
    app: App, inventory: ImageInventory, place: SiteRegistry | None, carried: Sequence[LockedImage]
) -> None:
    """Print every image that a bundle can need."""
    targets = {image.ref: pinned(image, place) for image in carried} if place else {}
    rows = [(image, targets.get(image.ref) or _unpinned(image.ref, place)) for image in inventory.images]
    if app.output == "plain":
        _plain(app, ((str(image.ref), target) for image, target in rows))
    elif app.output == "text":
        app.screen.lines(_inventory_lines(rows, has_target=place is not None))
        pairs = "" if inventory.has_pairs else "; too many switches to try every two together"
        app.screen.say(
            f"{counted(len(rows), 'image')}, over {counted(inventory.variants, 'setting')} of the switches{pairs}"
        )
    else:
        data: list[JSONValue] = [_found_data(image, target) for image, target in rows]
        app.screen.document(
            {
                "images": data,
                "warnings": list(inventory.warnings),
                "settings": inventory.variants,
                "hasPairs": inventory.has_pairs,
            },
            app.output,
        )


def show_carried(app: App, images: Sequence[LockedImage], place: SiteRegistry | None) -> None:
    """Print the images of a delivery."""
    targets = [pinned(image, place) if place else "" for image in images]
    if app.output == "plain":
        _plain(app, ((str(one.ref), target) for one, target in zip(images, targets, strict=True)))
    elif app.output == "text":
        heads = ("IMAGE", "PLATFORMS", "SIZE", "BECOMES" if place else "DIGEST")
        rows = [
            (str(one.ref), ",".join(one.platforms), shown_bytes(one.size), target or one.digest)
            for one, target in zip(images, targets, strict=True)
        ]
        app.screen.lines(table(rows, heads=heads))
        app.screen.say(counted(len(images), "image"))
    else:
        data: list[JSONValue] = [_locked_data(one, target) for one, target in zip(images, targets, strict=True)]
        app.screen.document({"images": data}, app.output)


def show_import(app: App, result: ImportResult, place: SiteRegistry) -> None:
    """Print what went where."""
    if app.output != "text":
        app.screen.document(_import_data(result, place), app.output)
        return
    rows = [(str(one.image.ref), one.target, "was there" if one.was_there else "imported") for one in result.images]
    app.screen.lines(table(rows, heads=("IMAGE", "AT THE SITE", "STATE")))
    new = sum(not one.was_there for one in result.images)
    app.screen.say(
        f"{counted(new, 'image')} imported, {len(result.images) - new} were there; "
        f"{counted(result.sent_blobs, 'blob')} and {shown_bytes(result.sent_bytes)} sent, "
        f"{counted(result.skipped_blobs, 'blob')} skipped",
        "green",
    )


def _plain(app: App, pairs: Iterable[tuple[str, str]]) -> None:
    app.screen.lines(Line(target or ref) for ref, target in pairs)


def _unpinned(ref: ImageRef, place: SiteRegistry | None) -> str:
    """Return the place at the site by tag: without a delivery nobody knows the digest."""
    if place is None:
        return ""
    return f"{site_repository(ref, place)}{f'@{ref.digest}' if ref.digest else f':{ref.tag}'}"


def _inventory_lines(rows: Sequence[tuple[FoundImage, str]], *, has_target: bool) -> list[Line]:
    lines: list[Line] = []
    for image, target in rows:
        lines.append(Line(f"{image.ref}{f' -> {target}' if has_target else ''}", "bold"))
        lines += [Line(f"  {use.where}") for use in image.uses]
        if image.settings != ("",):
            lines.append(Line(f"  only with: {'; or '.join(image.settings)}", "dim"))
    return lines


def _found_data(image: FoundImage, target: str) -> dict[str, JSONValue]:
    uses: list[JSONValue] = [{"ref": use.ref, "where": use.where} for use in image.uses]
    data: dict[str, JSONValue] = {"ref": str(image.ref), "uses": uses, "settings": list(image.settings)}
    return {**data, "becomes": target} if target else data


def _locked_data(image: LockedImage, target: str) -> dict[str, JSONValue]:
    data: dict[str, JSONValue] = {
        "ref": str(image.ref),
        "digest": image.digest,
        "mediaType": image.media_type,
        "platforms": list(image.platforms),
        "bytes": image.size,
        "usedBy": list(image.used_by),
    }
    return {**data, "becomes": target} if target else data


def _import_data(result: ImportResult, place: SiteRegistry) -> dict[str, JSONValue]:
    return {
        "registry": str(place),
        "images": [
            {"ref": str(one.image.ref), "target": one.target, "wasThere": one.was_there} for one in result.images
        ],
        "sentBytes": result.sent_bytes,
        "sentBlobs": result.sent_blobs,
        "skippedBlobs": result.skipped_blobs,
    }
