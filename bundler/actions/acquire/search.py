"""Find bundles by words, in every place where a name is looked up. Layer: actions; reads local files and registries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bundler.actions.acquire.bundle import Sources, open_catalogues
from bundler.actions.acquire.catalogues import OpenCatalogue, Reference, choose
from bundler.catalogue.document import newest, one_line
from bundler.catalogue.ranking import near, ranked
from bundler.errors import BundlerError
from bundler.errors.bundle import BundleError
from bundler.loader.locate import archives_in, in_folder, known_names, local_folders, names_in
from bundler.loader.metadata import load_metadata
from bundler.model.catalogue import CataloguedBundle, FoundBundle, SearchedPlace, SearchResult
from bundler.model.lean import replace
from bundler.model.size import first_of

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.trust import TrustPolicy

SHIPPED: Final = "shipped"
_MOST_PROBLEMS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What is looked for, and where besides the local places."""

    words: Sequence[str] = ()
    """All of them have to fit; none: every bundle is listed."""
    configured: Sequence[str] = ()
    """Catalogues that names are looked up in: one that cannot be read is a problem of its place."""
    named: Sequence[str] = ()
    """Catalogues that are searched besides: one that cannot be read is an error."""
    policy: TrustPolicy
    """That catalogues have to meet."""


def search(request: SearchRequest, sources: Sources) -> SearchResult:
    """Return the bundles that fit, the best first, with what each of them is installed by.

    Args:
        request: what is looked for.
        sources: where bundles come from.

    Raises:
        BundlerError: when a catalogue that is named cannot be read, or is not to be trusted.
    """
    local = [_local(folder, sources) for folder in local_folders(sources.search_path)]
    configured = [] if sources.is_offline else _configured(request, sources)
    named = open_catalogues([one for one in request.named if one not in request.configured], request.policy, sources)
    readable = [one for _, one in configured if one is not None]
    # Where a place cannot be read, a name alone leads nowhere.
    is_whole = len(readable) == len(configured) and all(folder.is_dir() for folder in sources.search_path)
    names = _Names(readable if is_whole else (), known_names(sources.search_path))
    places = [
        *_with_references(local),
        *((place, names.listed(one) if one else []) for place, one in configured),
        *((_place_of(one), names.listed(one)) for one in named),
    ]
    bundles = [one for _, found in places for one in found]
    found = ranked(bundles, request.words)
    return SearchResult(
        found=found,
        places=tuple(place for place, _ in places),
        near=() if found else near(bundles, request.words),
    )


def _local(folder: Path, sources: Sources) -> tuple[SearchedPlace, list[FoundBundle]]:
    where = SHIPPED if folder == local_folders(())[-1] else str(folder)
    found, problems = [], []
    for name in sorted(names_in(folder)):
        try:
            found.append(_local_bundle(folder, name, where, sources))
        except BundleError as error:
            problems.append(f"{name}: {error.context[0] if error.context else error}")
    if not folder.is_dir():
        problems.append("there is no such folder")
    place = SearchedPlace(place=where, bundles=len(found), problem="; ".join(first_of(problems, _MOST_PROBLEMS)))
    return place, found


def _local_bundle(folder: Path, name: str, where: str, sources: Sources) -> FoundBundle:
    path = in_folder(folder, name) or folder / name
    metadata = load_metadata(path, limits=sources.limits)
    archived = () if path.is_dir() else sorted(archives_in(folder, name), reverse=True)
    return FoundBundle(
        name=name,
        version=metadata.version,
        description=one_line(metadata.description),
        reference=str(path),
        place=where,
        keywords=metadata.keywords,
        app_version=metadata.app_version,
        versions=tuple(map(str, archived)) or (metadata.version,),
    )


def _with_references(
    local: Sequence[tuple[SearchedPlace, Sequence[FoundBundle]]],
) -> list[tuple[SearchedPlace, Sequence[FoundBundle]]]:
    """Give the first bundle of each name its name for reference: that is the one which the name leads to."""
    seen: set[str] = set()
    places: list[tuple[SearchedPlace, Sequence[FoundBundle]]] = []
    for place, bundles in local:
        fresh = {one.name for one in bundles} - seen
        places.append((place, [replace(one, reference=one.name) if one.name in fresh else one for one in bundles]))
        seen |= fresh
    return places


def _configured(request: SearchRequest, sources: Sources) -> list[tuple[SearchedPlace, OpenCatalogue | None]]:
    found: list[tuple[SearchedPlace, OpenCatalogue | None]] = []
    for address in request.configured:
        try:
            (opened,) = open_catalogues([address], request.policy, sources)
        except BundlerError as error:
            problem = ": ".join([str(error), *map(str, error.context[:1])])
            found.append((SearchedPlace(place=address, bundles=0, problem=problem), None))
            continue
        found.append((_place_of(opened), opened))
    return found


def _place_of(opened: OpenCatalogue) -> SearchedPlace:
    return SearchedPlace(place=str(opened.address), bundles=len(opened.catalogue.bundles), evidence=opened.evidence)


class _Names:
    """What a name alone leads to."""

    def __init__(self, asked: Sequence[OpenCatalogue], known: Iterable[str]) -> None:
        self._asked, self._known = asked, frozenset(known)

    def listed(self, opened: OpenCatalogue) -> list[FoundBundle]:
        """Return the bundles of a catalogue, each with what it is installed by."""
        return [self._found(opened, one) for one in opened.catalogue.bundles]

    def _found(self, opened: OpenCatalogue, bundle: CataloguedBundle) -> FoundBundle:
        best = newest(bundle.versions) or bundle.versions[0]
        return FoundBundle(
            name=bundle.name,
            version=best.version,
            description=bundle.description,
            reference=bundle.name if self._means(opened, bundle.name) else f"{opened.address}#{bundle.name}",
            place=str(opened.address),
            keywords=bundle.keywords,
            app_version=best.app_version,
            digest=best.digest,
            versions=tuple(one.version for one in bundle.versions),
        )

    def _means(self, opened: OpenCatalogue, name: str) -> bool:
        if name in self._known:
            return False
        try:
            recorded = choose(self._asked, Reference(name=name))
        except BundleError:
            return False
        return recorded is not None and recorded.catalogue == opened.address
