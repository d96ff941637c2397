"""Whether the site's registry holds what a release needs: asked before the first write. Layer: actions."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from bundler.actions.compose.site_overlay import needed_images, where_in
from bundler.actions.delivery.image_presence import holds_whole
from bundler.concurrency import map_parallel
from bundler.errors.delivery import ImageMissingError, RegistryError, RegistryForbiddenError, RegistryLoginError
from bundler.images.image_paths import places_of, rules_of
from bundler.images.rewrite import site_repository
from bundler.model.digest import Digest
from bundler.model.image import ImageRef, LockedImage

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.model.site import Site, SiteRegistry
    from bundler.ports import Registry
    from bundler.render.types import Rendering


def find_absent(images: Iterable[LockedImage], place: SiteRegistry, registry: Registry) -> tuple[LockedImage, ...]:
    """Return the images that the site's registry does not hold whole, by their exact digests.

    Args:
        images: with their digests.
        place: the site's registry and prefix.
        registry: the registry to ask.

    Raises:
        RegistryError: when it cannot be asked, or lets us see none of them.
    """
    wanted = list(images)
    answers = map_parallel(partial(_is_there, place, registry), wanted)
    refused = [answer for answer in answers if isinstance(answer, RegistryError)]
    if refused and len(refused) == len(answers):
        error = refused[0]
        found = "some registries (Quay, Artifactory) answer like this for what was not imported yet"
        raise type(error)(str(error), context=[*error.context, found], hint=error.hint) from error
    return tuple(image for image, answer in zip(wanted, answers, strict=True) if answer is not True)


def refuse_absent(rendering: Rendering, order: RenderRequest, place: SiteRegistry, registry: Registry) -> int:
    """Ask for every digest that the objects of an order name; return how many are there.

    Args:
        rendering: the rendered objects and where each comes from.
        order: bundle, release and values.
        place: the site's registry and prefix.
        registry: the registry to ask.

    Raises:
        ImageMissingError: with every place of an image that is not.
        RegistryError: when the registry cannot be asked.
    """
    needed = needed_images(rendering.manifests, order.carried or ())
    absent = find_absent(needed, place, registry)
    if absent:
        raise ImageMissingError(
            f"looking for the images of the release in {place}",
            context=absent_lines(absent, rendering, order, place),
            hint=import_hint(place, order.place),
        )
    return len(needed)


def absent_lines(
    absent: Iterable[LockedImage], rendering: Rendering, order: RenderRequest, place: SiteRegistry
) -> tuple[str, ...]:
    """Return a line for each place that names an image which the site's registry lacks, sorted.

    Args:
        absent: those images.
        rendering: of the order, with references as they are at the site.
        order: names declared places.
        place: the registry.
    """
    targets = {(str(site_repository(one.ref, place)), one.digest): one for one in absent}
    lines = {
        f"{where}: {one.ref} does not exist: {site_repository(one.ref, place)}@{one.digest}"
        for where, one in _uses(rendering, order, targets)
    }
    return tuple(sorted(lines))


def _uses(
    rendering: Rendering, order: RenderRequest, targets: dict[tuple[str, Digest], LockedImage]
) -> Iterator[tuple[str, LockedImage]]:
    rules, where = rules_of(order.bundle), where_in(rendering, order)
    for manifest in rendering.manifests:
        for found in places_of(manifest, rules):
            ref = ImageRef.of(found.text)
            image = targets.get((f"{ref.registry}/{ref.repository}", Digest(ref.digest))) if ref else None
            if image is not None:
                yield where(manifest, found), image


def import_hint(place: SiteRegistry, site: Site | None) -> str:
    """Say how images come to a site; its file, where there is one, also says whom to trust."""
    where = f"--site {shlex.quote(site.source)}" if site is not None and site.source else f"--registry {place}"
    return f"import the delivery first: bundler import FILE {where}"


def _is_there(place: SiteRegistry, registry: Registry, image: LockedImage) -> bool | RegistryError:
    try:
        return holds_whole(registry, site_repository(image.ref, place), image.digest)
    except (RegistryLoginError, RegistryForbiddenError) as error:
        return error
