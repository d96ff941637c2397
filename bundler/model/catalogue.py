"""What can be found by name: catalogues in registries, and what a search lists. Layer: model, pure."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.digest import Digest
    from bundler.model.trust import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguedVersion:
    """One version of a bundle, as a catalogue records it."""

    version: str
    digest: Digest
    """Of the bundle: over its files, whatever archive they are in."""
    app_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguedBundle:
    """A bundle in a catalogue."""

    name: str
    repository: str
    """On the registry that the catalogue is in: a catalogue cannot send anyone to another server."""
    description: str = ""
    """Of the newest version, one line."""
    keywords: tuple[str, ...] = ()
    versions: tuple[CataloguedVersion, ...]
    """The highest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Names, versions, descriptions and digests of bundles that are published in one registry."""

    bundles: tuple[CataloguedBundle, ...] = ()
    """By name; each name once."""

    def bundle(self, name: str) -> CataloguedBundle | None:
        """Return the bundle of a name; None where the catalogue has none."""
        place = bisect_left(self.bundles, name, key=attrgetter("name"))
        found = self.bundles[place] if place < len(self.bundles) else None
        return found if found is not None and found.name == name else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundBundle:
    """A bundle that a search found, in one of the places where it is.

    Example:
        >>> from bundler import Session
        >>> with Session.local() as session:
        ...     found = session.search(["cache", "redis"]).found
        >>> [(one.name, one.reference) for one in found][:1]
        [('redis', 'redis')]
    """

    name: str
    """Of the bundle."""
    version: str
    """The highest release; where there is none, the highest version."""
    description: str
    """One printable line."""
    reference: str
    """What `install` and every other verb takes for this very bundle."""
    place: str
    """``shipped``, a folder, or the ``oci://`` address of a catalogue."""
    keywords: tuple[str, ...] = ()
    """As its bundle.yaml has them."""
    app_version: str = ""
    """Of the application."""
    digest: str = ""
    """As the catalogue records it; empty for local bundles."""
    versions: tuple[str, ...] = ()
    """All that are there, the highest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedPlace:
    """A place that was searched.

    Example:
        >>> from bundler import Session
        >>> with Session.local() as session:
        ...     places = session.search(["redis"]).places
        >>> [(one.place, one.bundles > 3, one.problem) for one in places]
        [('shipped', True, '')]
    """

    place: str
    """``shipped``, a folder, or the ``oci://`` address of a catalogue."""
    bundles: int
    """How many bundles are there."""
    problem: str = ""
    """Why it could not be searched; empty where it was."""
    evidence: Evidence | None = None
    """Who signed the catalogue, as far as that was checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """What a search found, the best first, and where it looked.

    Example:
        >>> from bundler import Session
        >>> with Session.local() as session:
        ...     result = session.search(["postgers"])
        >>> (result.found, result.near[0])
        ((), 'postgres')
    """

    found: tuple[FoundBundle, ...]
    """The best first."""
    places: tuple[SearchedPlace, ...]
    """In the order in which a name is looked up."""
    near: tuple[str, ...] = ()
    """Names and keywords that are close to the words, where nothing was found."""
