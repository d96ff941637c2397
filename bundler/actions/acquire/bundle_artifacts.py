"""Bundles in registries: find, fetch, publish. Layer: actions.

A bundle is an OCI artifact: a manifest with ``artifactType`` application/vnd.bundler.bundle.v1, bundle.yaml as JSON for
its config, the .tgz that `bundler package` writes as its one layer. Its tag is its version.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bundler.archive.reader import check_packed
from bundler.delivery.envelopes import decode_envelopes
from bundler.errors.bundle import VersionRangeError
from bundler.errors.delivery import DeliveryDamagedError, RegistryNotFoundError, RegistryRejectedError
from bundler.model.json import text_at
from bundler.model.oci import (
    BUNDLE_ARCHIVE,
    BUNDLE_ARTIFACT,
    BUNDLE_SIGNATURE,
    OciAddress,
    OciManifest,
    tag_version,
    version_tag,
)
from bundler.model.size import listed
from bundler.resolve.versions import newest_within, parse_range, parse_version

if TYPE_CHECKING:
    from bundler.archive.limits import ArchiveLimits
    from bundler.model.oci import Descriptor, Repository
    from bundler.model.trust import Envelope
    from bundler.ports import Registry

ANNOTATION_DIGEST: Final = "dev.bundler.bundle.digest"
ANNOTATION_TITLE: Final = "org.opencontainers.image.title"
ANNOTATION_VERSION: Final = "org.opencontainers.image.version"
ANNOTATION_DESCRIPTION: Final = "org.opencontainers.image.description"
MAX_SIGNATURE_BYTES: Final = 1024 * 1024
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedBundle:
    """A bundle in a registry, not yet fetched."""

    address: OciAddress
    """With its tag, where it was found by one, and always with its digest."""
    manifest: OciManifest
    archive: Descriptor

    @property
    def name(self) -> str:
        """The bundle's name."""
        return self.archive.annotations.get(ANNOTATION_TITLE, "").rpartition("-" + self.version)[0]

    @property
    def version(self) -> str:
        """The bundle's version."""
        return self.archive.annotations.get(ANNOTATION_VERSION, "")

    @property
    def digest(self) -> str:
        """The bundle's own digest, as its publisher says; what is fetched is checked by the archive's."""
        return self.archive.annotations.get(ANNOTATION_DIGEST, "")


def find_published(registry: Registry, address: OciAddress, *, accepts: str = "", digest: str = "") -> PublishedBundle:
    """Find a bundle: the one that the address names, else the one of a digest, else the highest version in a range.

    Args:
        registry: to ask.
        address: of the bundle; with a tag or a digest, ``accepts`` is not checked.
        accepts: a range of versions; empty: every release.
        digest: of the bundle's files; empty: it is not known.

    Raises:
        RegistryNotFoundError: when there is no such bundle, or no version of it in the range.
        RegistryRejectedError: when what is there is not a bundle.
        RegistryError: what the registry answers.
    """
    if not address.reference and digest and (found := _with_digest(registry, address, digest)) is not None:
        return found
    if not address.reference:
        version = _highest(registry, address, accepts)
        address = OciAddress(repository=address.repository, tag=version_tag(version))
    manifest = registry.manifest(address.repository, address.reference)
    if manifest is None:
        raise RegistryNotFoundError(
            f"looking for {address}",
            context=[f"{address.repository.host} has no {address.repository.name} with {address.reference}"],
            hint=f"choose one that exists: {listed(registry.tags(address.repository), _SHOWN) or 'none'}",
        )
    return read_artifact(OciAddress(repository=address.repository, tag=address.tag, digest=manifest.digest), manifest)


def published_versions(registry: Registry, address: OciAddress) -> list[str]:
    """Return all versions of a bundle, the highest first; tags that are not versions are passed over.

    Raises:
        RegistryError: what the registry answers.
    """
    found = {}
    for tag in registry.tags(address.repository):
        text = tag_version(tag)
        try:
            found[text] = parse_version(text)
        except VersionRangeError:
            continue
    return sorted(found, key=lambda text: (found[text], text), reverse=True)


def newest_published(registry: Registry, address: OciAddress, within: str, *, running: str = "") -> str:
    """Return the newest version of a bundle that is within a range, and not older than what runs.

    Args:
        registry: to ask.
        address: of the bundle, without a version.
        within: the range.
        running: the version that is there; empty: none.

    Raises:
        RegistryNotFoundError: when no version is within the range.
        RegistryError: what the registry answers.
        VersionRangeError: when the range cannot be read.
    """
    versions = published_versions(registry, address)
    found = newest_within(within, versions, running=running)
    if not found:
        raise RegistryNotFoundError(
            f"looking for the newest version of {address} within {within}",
            context=[f"no version of the range is there, of: {', '.join(versions[:_SHOWN]) or 'none'}"],
            hint="push a version of the range, or name another range",
        )
    return found


def fetch_archive(registry: Registry, published: PublishedBundle, limits: ArchiveLimits) -> bytes:
    """Return the .tgz of a bundle, its digest checked.

    Args:
        registry: the registry to ask.
        published: what the registry says of it.
        limits: largest archive to accept.

    Raises:
        UnsafeArchiveError: when it is larger than ``limits``; nothing of it was fetched.
        RegistryError: what the registry answers; ContentMismatchError for other content.
    """
    check_packed(published.archive.size, f"fetching {published.address}", limits)
    return b"".join(registry.blob(published.address.repository, published.archive))


def fetch_signatures(registry: Registry, published: PublishedBundle) -> tuple[Envelope, ...]:
    """Return the signatures that were pushed with a bundle, each once.

    Raises:
        RegistryError: what the registry answers.
        DeliveryDamagedError: when one of them cannot be read.
    """
    return fetch_envelopes(registry, published.address, published.manifest, BUNDLE_SIGNATURE)


def fetch_envelopes(
    registry: Registry, address: OciAddress, subject: OciManifest, artifact_type: str
) -> tuple[Envelope, ...]:
    """Return the signatures that refer to a manifest, each once.

    Args:
        registry: to ask.
        address: of what is signed.
        subject: its manifest.
        artifact_type: of the signatures.

    Raises:
        RegistryError: what the registry answers.
        DeliveryDamagedError: when one of them cannot be read.
    """
    found: dict[Envelope, None] = {}
    for content in _signatures(registry, address.repository, subject, artifact_type):
        try:
            found |= dict.fromkeys(decode_envelopes(content.rstrip(b"\n")))
        except ValueError as error:
            hint = "ask its publisher to sign and push it again"
            doing = f"reading the signatures of {address}"
            raise DeliveryDamagedError(doing, context=[str(error)], hint=hint) from error
    return tuple(found)


def _signatures(registry: Registry, repository: Repository, subject: OciManifest, artifact_type: str) -> list[bytes]:
    found: list[bytes] = []
    for one in registry.referrers(repository, subject.digest, artifact_type=artifact_type):
        manifest = registry.manifest(repository, one.digest)
        is_signature = manifest is not None and text_at(manifest.body, "artifactType") == artifact_type
        layers = manifest.layers if manifest is not None and is_signature else ()
        small = [layer for layer in layers if 0 <= layer.size <= MAX_SIGNATURE_BYTES]
        found += [b"".join(registry.blob(repository, layer)) for layer in small]
    return found


def read_artifact(address: OciAddress, manifest: OciManifest) -> PublishedBundle:
    """Read the manifest of a bundle.

    Raises:
        RegistryRejectedError: when it is that of something else.
    """
    layers = [layer for layer in manifest.layers if layer.media_type == BUNDLE_ARCHIVE]
    if text_at(manifest.body, "artifactType") != BUNDLE_ARTIFACT or len(layers) != 1:
        kind = text_at(manifest.body, "artifactType") or text_at(manifest.body, "config", "mediaType")
        raise RegistryRejectedError(
            f"reading {address}",
            context=[f"it is not a bundle, but {kind or manifest.media_type}"],
            hint="name a repository that `bundler push` wrote",
        )
    if layers[0].size < 0:
        found = [f"its archive has {layers[0].size} bytes"]
        raise RegistryRejectedError(f"reading {address}", context=found, hint="ask its publisher")
    return PublishedBundle(address=address, manifest=manifest, archive=layers[0])


def _with_digest(registry: Registry, address: OciAddress, digest: str) -> PublishedBundle | None:
    """Return the version whose publisher says that it has a digest, looked for from the highest on."""
    for text in published_versions(registry, address):
        manifest = registry.manifest(address.repository, version_tag(text))
        layers = manifest.layers if manifest is not None else ()
        if manifest is not None and any(layer.annotations.get(ANNOTATION_DIGEST) == digest for layer in layers):
            at = OciAddress(repository=address.repository, tag=version_tag(text), digest=manifest.digest)
            return read_artifact(at, manifest)
    return None


def _highest(registry: Registry, address: OciAddress, accepts: str) -> str:
    wanted = parse_range(accepts)
    versions = published_versions(registry, address)
    for text in versions:
        if wanted.admits(parse_version(text)):
            return text
    if not versions:
        raise RegistryNotFoundError(
            f"looking for {address}",
            context=[f"{address.repository.host} has no version of {address.repository.name}"],
            hint="check the address; `bundler push` publishes a bundle",
        )
    what = f'version "{accepts}"' if accepts else "release"
    hint = f"choose one that exists: {listed(versions, _SHOWN)}"
    raise RegistryNotFoundError(f"looking for {address}", context=[f"no {what} is there"], hint=hint)


def config_json(definition: object) -> bytes:
    """Return bundle.yaml as the JSON that is in the registry."""
    return json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()
