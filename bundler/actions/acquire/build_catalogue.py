"""Make a catalogue of bundles, sign it, publish it. Layer: actions; reads local files, writes to a registry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bundler.actions.acquire.bundle_artifacts import find_published
from bundler.actions.acquire.catalogues import DEFAULT_TAG, Recorded
from bundler.actions.acquire.signature_push import attach_signature, check_signature, is_attached
from bundler.catalogue.document import decode_catalogue, encode_catalogue, make_catalogue
from bundler.concurrency import map_parallel
from bundler.errors import UsageError
from bundler.errors.bundle import CatalogueInvalidError
from bundler.errors.delivery import RegistryNotFoundError, RegistryRejectedError
from bundler.model.catalogue import Catalogue, CataloguedBundle, CataloguedVersion
from bundler.model.digest import Digest, digest_of
from bundler.model.oci import (
    CATALOGUE_ARTIFACT,
    CATALOGUE_DOCUMENT,
    CATALOGUE_SIGNATURE,
    EMPTY_BLOB,
    EMPTY_CONTENT,
    Descriptor,
    OciAddress,
    artifact_manifest,
    bytes_source,
)
from bundler.model.results import CataloguePushed
from bundler.model.size import first_of
from bundler.resolve.versions import parse_version

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.model.oci import Repository
    from bundler.ports import Registry

_MOST_SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A bundle, and the repository that it is, or will be, published in."""

    bundle: Bundle
    repository: Repository


def build_catalogue(found: Iterable[Published]) -> Catalogue:
    """Return the catalogue of some bundles; description and keywords are those of the highest version.

    Args:
        found: bundles in any order.

    Raises:
        CatalogueInvalidError: when a name is in two repositories, a version has two contents, the registries differ, or
            there is more than a catalogue takes.
    """
    by_name: dict[str, list[Published]] = {}
    for one in found:
        by_name.setdefault(one.bundle.metadata.name, []).append(one)
    problems = [line for name, published in by_name.items() for line in _contradictions(name, published)]
    hosts = sorted({one.repository.host for published in by_name.values() for one in published})
    if len(hosts) > 1:
        problems.append(f"a catalogue is of one registry, and these bundles are on {', '.join(hosts)}")
    if problems:
        hint = "leave out what is not meant: a catalogue has each name and version once, on one registry"
        raise CatalogueInvalidError("building a catalogue", context=problems, hint=hint)
    catalogue = make_catalogue(_catalogued(published) for published in by_name.values())
    try:
        decode_catalogue(encode_catalogue(catalogue))
    except ValueError as error:
        hint = "leave bundles or old versions out, or make several catalogues"
        raise CatalogueInvalidError("building a catalogue", context=[str(error)], hint=hint) from error
    return catalogue


def push_catalogue(
    registry: Registry, content: bytes, address: OciAddress, *, signature: bytes | None = None
) -> CataloguePushed:
    """Publish a catalogue, once all that it records is published beside it.

    Args:
        registry: to write to.
        content: the document.
        address: where to; without a tag: ``latest``.
        signature: what is in the ``.sig`` file beside it.

    Raises:
        UsageError: when the address names a digest.
        CatalogueInvalidError: when it is none, or records what the registry does not have.
        WrongSignatureError: when the signature is of something else.
        RegistryError: what the registry answers.
    """
    doing = f"pushing a catalogue to {address}"
    if address.digest:
        found = "the address names a digest, and a catalogue is published under a tag"
        raise UsageError(doing, context=[found], hint=f"leave the digest out; without a tag it is {DEFAULT_TAG}")
    try:
        catalogue = decode_catalogue(content)
    except ValueError as error:
        hint = "build it with `bundler catalogue build`, and do not change it"
        raise CatalogueInvalidError(doing, context=[str(error)], hint=hint) from error
    if signature is not None:
        check_signature(signature, content, doing, what="catalogue")
    _check_published(registry, catalogue, address, doing)
    place, tag = address.repository, address.tag or DEFAULT_TAG
    document = Descriptor(digest=digest_of(content), size=len(content), media_type=CATALOGUE_DOCUMENT)
    manifest = artifact_manifest(CATALOGUE_ARTIFACT, document)
    there = registry.manifest(place, tag)
    is_new = there is None or there.digest != manifest.digest
    sent = registry.put_blob(place, EMPTY_BLOB, bytes_source(EMPTY_CONTENT))
    sent += registry.put_blob(place, manifest.layers[0], bytes_source(content))
    if is_new:
        registry.put_manifest(place, manifest, tag=tag)
    at = OciAddress(repository=place, tag=tag, digest=manifest.digest)
    if signature is not None and (is_new or not is_attached(registry, at, manifest, signature, CATALOGUE_SIGNATURE)):
        sent += attach_signature(registry, at, manifest, signature, CATALOGUE_SIGNATURE)
    return CataloguePushed(
        address=at,
        is_new=is_new,
        sent_bytes=sent,
        bundles=len(catalogue.bundles),
        versions=sum(len(one.versions) for one in catalogue.bundles),
        signatures=int(signature is not None),
    )


def _contradictions(name: str, published: list[Published]) -> list[str]:
    repositories = sorted({str(one.repository) for one in published})
    problems = [f"{name} is in {' and in '.join(repositories)}"] if len(repositories) > 1 else []
    digests: dict[str, str] = {}
    for one in published:
        version, digest = one.bundle.metadata.version, one.bundle.digest
        if digests.setdefault(version, digest) != digest:
            problems.append(f"{name} {version} is there twice, as {digests[version]} and as {digest}")
    return problems


def _catalogued(published: list[Published]) -> CataloguedBundle:
    bundles = [one.bundle for one in published]
    highest = max(bundles, key=lambda bundle: parse_version(bundle.metadata.version)).metadata
    versions = {
        one.metadata.version: CataloguedVersion(
            version=one.metadata.version, digest=Digest(one.digest), app_version=one.metadata.app_version
        )
        for one in bundles
    }
    return CataloguedBundle(
        name=highest.name,
        repository=published[0].repository.name,
        description=highest.description,
        keywords=highest.keywords,
        versions=tuple(versions.values()),
    )


def _check_published(registry: Registry, catalogue: Catalogue, address: OciAddress, doing: str) -> None:
    """Insist that what is recorded is there: a catalogue that leads nowhere would be found out at a site."""
    every = [
        Recorded(catalogue=address, bundle=bundle, version=version)
        for bundle in catalogue.bundles
        for version in bundle.versions
    ]
    problems = [line for line in map_parallel(lambda one: _missing(registry, one), every) if line]
    if problems:
        hint = "publish these bundles with `bundler push`, or build the catalogue again"
        raise CatalogueInvalidError(doing, context=first_of(problems, _MOST_SHOWN), hint=hint)


def _missing(registry: Registry, one: Recorded) -> str:
    """Return why what is recorded cannot be fetched; empty where it can."""
    try:
        published = find_published(registry, one.address)
    except (RegistryNotFoundError, RegistryRejectedError) as error:
        return f"{one.address}: {error.context[0] if error.context else error}"
    if published.digest != one.version.digest:
        return f"{one.address}: published is {published.digest or 'another bundle'}, recorded is {one.version.digest}"
    return ""
