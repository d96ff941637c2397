"""What a place makes of a rendering: patches, images at the site, the pull secret. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bundler.errors.change import SitePatchError
from bundler.images.image_paths import Place, places_of, rules_of
from bundler.images.inventory import Where, where_of
from bundler.images.rewrite import Rewriter
from bundler.model.json import decode_json, mapping_at
from bundler.model.labels import IMAGES
from bundler.model.lean import replace
from bundler.render.overlay import written
from bundler.render.patches import apply_patches, fits

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.model.image import LockedImage
    from bundler.model.manifest import Manifest
    from bundler.render.types import Rendering

_HINT = "correct the patch in the site file; `bundler template` shows the objects, `bundler site check` the patches"


def rewriter_of(order: RenderRequest) -> Rewriter | None:
    """Return what rewrites the images of an order; None where it is not made from a delivery."""
    if order.carried is None:
        return None
    place = order.place
    return Rewriter(
        order.carried,
        registry=place.registry if place else None,
        rules=rules_of(order.bundle),
        pull_secret=place.pull_secret if place else "",
    )


def adapt(rendering: Rendering, order: RenderRequest) -> tuple[Rendering, tuple[str, ...]]:
    """Return the rendering as it is at the place, and sentences about patches that fit nothing.

    Patches come first, so that an image that a patch names is looked up like any other.

    Raises:
        SitePatchError: with every patch that cannot be made.
        ImageReferenceError: with every declared place whose image cannot be rewritten.
        ImageMissingError: with every image that the delivery does not carry.
    """
    rewriter = rewriter_of(order)
    patches = order.place.patches if order.place else ()
    if rewriter is None and not patches:
        return rendering, ()
    patched = apply_patches(rendering.manifests, patches)
    if patched.problems:
        lines = [source.found(sentence) for source, sentence in patched.problems]
        raise SitePatchError("patching objects as the site file says", context=lines, hint=_HINT)
    manifests, idle = patched.manifests, patched.idle
    if rewriter is not None:
        manifests = rewriter.rewrite(manifests, where_in(rendering, order))
    if manifests == rendering.manifests:
        return rendering, idle
    return replace(rendering, manifests=manifests, templates=written(manifests)), idle


def where_in(rendering: Rendering, order: RenderRequest) -> Where:
    """Return what says where an image is: in which template line, or in which patch of the site file.

    Args:
        rendering: as rendered; patched or not.
        order: of it.
    """
    rules, patches = rules_of(order.bundle), order.place.patches if order.place else ()

    def where(manifest: Manifest, place: Place) -> str:
        named = [str(patch.source) for patch in patches if fits(patch, manifest)]
        if named:
            rendered = next((one for one in rendering.manifests if one.ref == manifest.ref), manifest)
            if (place.steps, place.text) not in {(one.steps, one.text) for one in places_of(rendered, rules)}:
                return f"{manifest.ref.short} {place.label} ({named[-1]})"
        return where_of(manifest, place, rendering.find_source)

    return where


def needed_images(manifests: Iterable[Manifest], carried: Iterable[LockedImage]) -> tuple[LockedImage, ...]:
    """Return the images of a delivery that rewritten objects use, sorted.

    Args:
        manifests: objects with the annotation that rewriting leaves.
        carried: what the delivery holds.
    """
    named: set[str] = set()
    for manifest in manifests:
        text = mapping_at(manifest.body, "metadata", "annotations").get(IMAGES)
        if isinstance(text, str):
            named.update(map(str, mapping_at({"it": decode_json(text)}, "it").values()))
    return tuple(image for image in carried if str(image.ref) in named)
