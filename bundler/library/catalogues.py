"""What a session does with catalogues: search, look up, build, publish. Layer: library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bundler import library
from bundler.actions.acquire import build_catalogue as building, search as searching
from bundler.actions.acquire.bundle import look_up, open_catalogues
from bundler.actions.acquire.bundle_artifacts import published_versions
from bundler.actions.acquire.catalogues import Recorded
from bundler.actions.acquire.fetch import parse_address
from bundler.actions.acquire.trust import signed_by
from bundler.errors import UsageError
from bundler.errors.bundle import BundleNotFoundError
from bundler.errors.delivery import RegistryNotFoundError
from bundler.loader.locate import ARCHIVE_SUFFIX, BUNDLE_FILE, OCI_SCHEME, archives_in, names_in, split_name
from bundler.model.oci import OciAddress, Repository, version_tag
from bundler.model.size import counted
from bundler.model.trust import TrustPolicy

if TYPE_CHECKING:
    from bundler.actions.acquire.build_catalogue import Published
    from bundler.library.scope import Scope
    from bundler.model.catalogue import Catalogue, SearchResult
    from bundler.model.site import Site


def search(
    scope: Scope,
    words: Sequence[str],
    *,
    catalogues: Sequence[str] = (),
    site: Site | Path | None = None,
    policy: TrustPolicy | None = None,
) -> SearchResult:
    """Find bundles by words, in every place where a name is looked up.

    Args:
        scope: of the session.
        words: all of them have to fit.
        catalogues: more catalogues.
        site: whose catalogues are searched too.
        policy: that catalogues have to meet; None: that of the site.

    Raises:
        BundlerError: when a catalogue that is named cannot be had, or is not to be trusted.
    """
    place = library.bundles.read_site(scope, site)
    trust = place.trust if place else TrustPolicy()
    request = searching.SearchRequest(
        words=words,
        configured=tuple(dict.fromkeys((*scope.options.catalogues, *(place.catalogues if place else ())))),
        named=catalogues,
        policy=policy or trust,
    )
    return searching.search(request, library.bundles.sources_of(scope))


def described(scope: Scope, site: Site, address: str) -> str:
    """Read a catalogue as a site asks, and return what is in it and who signed it, in words.

    Args:
        scope: of the session.
        site: whose policy holds.
        address: of the catalogue.

    Raises:
        RegistryError, CatalogueInvalidError, SignatureError: when it cannot be had, or is not to be trusted.
    """
    (opened,) = open_catalogues([address], site.trust, library.bundles.sources_of(scope))
    return f"{opened.address} has {counted(len(opened.catalogue.bundles), 'bundle')}, {signed_by(opened.evidence)}"


def find_published(scope: Scope, name: str, site: Site | None, policy: TrustPolicy) -> OciAddress | Recorded:
    """Return where a bundle is published that is named by its address, or by its name in a catalogue.

    Args:
        scope: of the session.
        name: ``oci://…``, ``NAME[@VERSION]``, or a catalogue with ``#NAME[@VERSION]``.
        site: whose catalogues are asked, too.
        policy: that catalogues have to meet.

    Raises:
        BundleError: when there is no such bundle in a registry.
        RegistryError, SignatureError: when a catalogue cannot be had, or is not to be trusted.
    """
    if name.startswith(OCI_SCHEME) and "#" not in name:
        return parse_address(name, doing=f"looking for bundle {name}")
    found = look_up(name, site.catalogues if site else (), policy, library.bundles.sources_of(scope))
    if isinstance(found, Recorded):
        return found
    word = split_name(name)[0] or name
    raise BundleNotFoundError(
        f"looking for bundle {name} in registries",
        context=[f"it is on this machine already: {found.found}"],
        hint=f"use `bundler package {word}` to make an archive of it, or name what you mean: oci://HOST/CATALOGUE#{word}",
    )


def build(scope: Scope, sources: Sequence[str], *, at: str = "", site: Path | None = None) -> Catalogue:
    """Return a catalogue of bundles; each of them is loaded, and its digest computed.

    Args:
        scope: of the session.
        sources: folders of bundles, bundles, archives, or ``oci://`` repositories with all their versions.
        at: where bundles from folders are published: NAME below this address.
        site: whose policy bundles have to meet.

    Raises:
        UsageError: when bundles from folders are named without ``at``.
        BundleError: when a bundle is broken, or they contradict each other.
        RegistryError: when a registry cannot be read.
    """
    below = parse_address(at, doing=f"reading --at {at}") if at else None
    place = library.bundles.read_site(scope, site)
    every = [one for source in sources for one in _published(scope, source, below, place)]
    return building.build_catalogue(every)


def _published(scope: Scope, source: str, below: OciAddress | None, site: Site | None) -> Iterator[Published]:
    if source.startswith(OCI_SCHEME):
        address = parse_address(source, doing=f"reading {source}")
        for version in _versions(scope, address):
            bundle = library.bundles.acquire(scope, str(version), site).bundle
            yield building.Published(bundle=bundle, repository=address.repository)
        return
    if below is None:
        raise UsageError(
            f"building a catalogue of {source}",
            context=["a catalogue says where bundles are published, and a folder does not"],
            hint="add where: --at oci://HOST/PREFIX, if bundles are published as oci://HOST/PREFIX/NAME",
        )
    for path in _bundles_in(Path(source).expanduser().absolute()):
        bundle = library.bundles.acquire(scope, str(path), site).bundle
        place = Repository(below.repository.host, f"{below.repository.name}/{bundle.metadata.name}")
        yield building.Published(bundle=bundle, repository=place)


def _versions(scope: Scope, address: OciAddress) -> list[OciAddress]:
    if address.reference:
        return [address]
    versions = published_versions(scope.registry(), address)
    if not versions:
        found = f"{address.repository.host} has no version of {address.repository.name}"
        hint = "name a repository that `bundler push` wrote"
        raise RegistryNotFoundError(f"building a catalogue of {address}", context=[found], hint=hint)
    return [OciAddress(repository=address.repository, tag=version_tag(version)) for version in versions]


def _bundles_in(path: Path) -> list[Path]:
    """Return the bundles that a path means: itself, or all that are in the folder."""
    if path.name.endswith(ARCHIVE_SUFFIX) or (path / BUNDLE_FILE).is_file():
        return [path]
    found = [
        each
        for name in sorted(names_in(path))
        for each in ([path / name] if (path / name / BUNDLE_FILE).is_file() else archives_in(path, name).values())
    ]
    if not found:
        why = (
            "it has no bundles: no NAME/bundle.yaml, and no NAME-VERSION.tgz"
            if path.is_dir()
            else "there is no such folder"
        )
        raise BundleNotFoundError(f"reading bundles in {path}", context=[why], hint="name a folder of bundles")
    return found
