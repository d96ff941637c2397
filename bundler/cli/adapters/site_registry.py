"""The registry of a site: which one is meant, and the way to it. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors import UsageError
from bundler.model.lean import replace
from bundler.model.site import SiteRegistry

if TYPE_CHECKING:
    from bundler.model.site import Site


def parse_place(text: str) -> SiteRegistry:
    """Read HOST/PREFIX as typed.

    Raises:
        UsageError: when it is none.
    """
    try:
        return SiteRegistry.parse(text)
    except ValueError as error:
        raise UsageError(
            "reading the registry of the site", context=[str(error)], hint="write HOST/PREFIX, like registry.site/acme"
        ) from error


def place_of(typed: str, site: Site | None) -> SiteRegistry:
    """Return the registry that a command line means: the one typed, else the one of the site file.

    Raises:
        UsageError: when there is neither.
    """
    if typed:
        place = parse_place(typed)
        known = site.registry if site else None
        # what the file says about the host holds, wherever below it things go
        return replace(known, prefix=place.prefix) if known is not None and known.host == place.host else place
    if site is not None and site.registry is not None:
        return site.registry
    raise UsageError(
        "looking for the registry of the site",
        context=["neither --registry nor a --site with a registry is given"],
        hint="name the registry for the images: --registry registry.site/acme, or --site acme.yaml",
    )
