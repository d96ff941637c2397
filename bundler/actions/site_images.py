"""Whether the site's registry holds what a release needs: asked before the first write. Layer: actions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bundler.actions.adapt import needed_images
from bundler.actions.parallel import map_parallel
from bundler.errors import ImageMissingError
from bundler.images.rewrite import site_repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bundler.model.image import LockedImage
    from bundler.model.manifest import Manifest
    from bundler.model.site import SiteRegistry
    from bundler.ports import Registry


def find_absent(images: Iterable[LockedImage], place: SiteRegistry, registry: Registry) -> tuple[LockedImage, ...]:
    """Return the images whose exact digest the site's registry does not hold; one request for each.

    Raises:
        RegistryError: when it cannot be asked.
    """
    wanted = list(images)
    answers = map_parallel(partial(_is_there, place, registry), wanted)
    return tuple(image for image, is_there in zip(wanted, answers, strict=True) if not is_there)


def refuse_absent(
    manifests: Iterable[Manifest], carried: Sequence[LockedImage], place: SiteRegistry, registry: Registry
) -> int:
    """Ask for every digest that the objects name; return how many are there.

    Raises:
        ImageMissingError: with every image that is not.
        RegistryError: when the registry cannot be asked.
    """
    needed = needed_images(manifests, carried)
    absent = find_absent(needed, place, registry)
    if absent:
        raise ImageMissingError(
            f"looking for the images of the release in {place}",
            context=sorted(
                f"{site_repository(one.ref, place)}@{one.digest} is not there ({one.ref})" for one in absent
            ),
            hint=f"import the delivery first: bundler import FILE --registry {place}",
        )
    return len(needed)


def _is_there(place: SiteRegistry, registry: Registry, image: LockedImage) -> bool:
    found = registry.head_manifest(site_repository(image.ref, place), image.digest)
    return found is not None and found.digest == image.digest
