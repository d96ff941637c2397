"""Which images rendered objects use, and what only looks like one. Layer: images, pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeAlias

from bundler.errors.delivery import ImageReferenceError
from bundler.images.image_formats import read_mapping
from bundler.images.image_paths import ImageRule, Place, places_of
from bundler.model.image import ImageRef, ImageUse
from bundler.model.json import JSONValue, is_list, is_mapping
from bundler.model.manifest import FindSource, Manifest

Where: TypeAlias = "Callable[[Manifest, Place], str]"
"""Says where an image is; :func:`where_of`, or the like with better lines."""

_HOST = r"(?:[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)+|localhost)(?::\d+)?"
_LOOKS_LIKE_IMAGE = re.compile(
    rf"(?<![\w./:@-]){_HOST}/[a-z0-9][a-z0-9._/-]*(?::[A-Za-z0-9_][\w.-]{{0,127}}(?:@sha256:[0-9a-f]{{64}})?|@sha256:[0-9a-f]{{64}})"
)
_LONGEST_TEXT_CHARS = 1024 * 1024
_IMAGE_KEY = re.compile(r"(?:^|[a-z_])image$", re.IGNORECASE)


def where_of(manifest: Manifest, place: Place, find_source: FindSource | None = None) -> str:
    """Return ``Deployment/web web (web/templates/web.yaml:12)``.

    Args:
        manifest: the object.
        place: of an image in it.
        find_source: finds the line of the image; None names the line where the object begins.
    """
    found = find_source(manifest.ref, place.line_steps) if find_source is not None else None
    return f"{manifest.ref.short} {place.label} ({found or manifest.source})"


def find_uses(
    manifests: Iterable[Manifest], rules: Collection[ImageRule], where: Where = where_of
) -> list[tuple[ImageRef, ImageUse]]:
    """Return every image of rendered objects, completed, with the place that names it; sorted.

    Args:
        manifests: rendered objects.
        rules: declared places.
        where: says where an image is.

    Raises:
        ImageReferenceError: with everything that stands for an image and is none.
    """
    found: set[tuple[ImageRef, ImageUse]] = set()
    broken: list[str] = []
    for manifest in manifests:
        for place in places_of(manifest, rules):
            ref = ImageRef.of(place.text)
            if ref is None or place.problem:
                broken.append(broken_line(manifest, place, where))
            else:
                found.add((ref, ImageUse(place.text, where(manifest, place))))
    refuse_broken(broken)
    return sorted(found)


def refuse_broken(lines: Collection[str]) -> None:
    """Stop where something stands for an image and is none.

    Raises:
        ImageReferenceError: with every line, from :func:`broken_line`.
    """
    if lines:
        raise ImageReferenceError(
            "looking for the images of the bundle",
            context=sorted(set(lines)),
            hint="write images as registry/repository:tag, or with @sha256:…; an empty value renders to no image",
        )


def broken_line(manifest: Manifest, place: Place, where: Where) -> str:
    """Say where something stands for an image, and why it is none.

    Args:
        manifest: the rendered object.
        place: where the image is in its object.
        where: finds the template line of a place.
    """
    return f"{where(manifest, place)}: {place.problem or f'{place.text!r} is not an image reference'}"


def find_suspects(
    manifests: Iterable[Manifest], rules: Collection[ImageRule], known: Collection[ImageRef]
) -> list[str]:
    """Return sentences about texts that look like images in places that no one declared; sorted.

    Args:
        manifests: rendered objects; Secrets are passed over, since nothing of them may be said.
        rules: declared places.
        known: images that are carried in any case.
    """
    found: set[str] = set()
    for manifest in manifests:
        if (manifest.ref.group, manifest.ref.kind) == ("", "Secret"):
            continue
        declared = {place.steps for place in places_of(manifest, rules)}
        for steps, image in _suspects(manifest.body, (), declared):
            if ImageRef.of(image) not in known:
                path = ".".join(str(step) for step in steps)
                found.add(f"{manifest.source}: {manifest.ref.short}: {path} may name the image {image}")
    return sorted(found)


def _suspects(
    value: JSONValue, way: tuple[str | int, ...], declared: Collection[tuple[str | int, ...]]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if way in declared or way == ("metadata",):
        return
    if is_mapping(value):
        if "tag" in value and (spelled := read_mapping(value)).spelling.has_tag and ImageRef.of(spelled.text):
            yield way, spelled.text
            return
        for key, inner in value.items():
            yield from _suspects(inner, (*way, key), declared)
    elif is_list(value):
        for index, inner in enumerate(value):
            yield from _suspects(inner, (*way, index), declared)
    elif isinstance(value, str) and len(value) <= _LONGEST_TEXT_CHARS:
        yield from ((way, found) for found in _images_in(value, way))


def _images_in(text: str, way: tuple[str | int, ...]) -> Iterator[str]:
    hits = _LOOKS_LIKE_IMAGE.findall(text)
    yield from hits
    is_named_so = bool(way) and _IMAGE_KEY.search(str(way[-1])) is not None
    if not hits and is_named_so and ":" in text and ImageRef.of(text) is not None:
        yield text
