"""Bundles that a delivery brought to a registry, and what it said of them: their images, and who signed it.

Layer: actions. The index of the delivery is attached to the bundle as it was signed, so that what is ordered from the
registry of a site later is trusted, and its images are found there, as if it were installed from the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.actions.acquire.bundle_artifacts import PublishedBundle, fetch_envelopes
from bundler.actions.acquire.open_delivery import Trusted, load_delivered
from bundler.actions.acquire.push import push
from bundler.actions.acquire.signature_push import attach_signature, is_attached, put_artifact
from bundler.delivery.envelopes import encode_envelopes
from bundler.delivery.index import MAX_INDEX_BYTES, decode_index
from bundler.errors.delivery import SignatureError, VersionPublishedError
from bundler.loader.limits import DEFAULT_LOAD_LIMITS, LoadLimits
from bundler.model.digest import digest_of
from bundler.model.events import Warned
from bundler.model.lean import dataclass
from bundler.model.oci import (
    BUNDLE_DELIVERY,
    BUNDLE_SIGNATURE,
    Descriptor,
    OciAddress,
    OciManifest,
    Repository,
    artifact_manifest,
)
from bundler.model.trust import INDEX_PAYLOAD, Evidence

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle
    from bundler.model.image import LockedImage
    from bundler.model.site import SiteRegistry
    from bundler.ports import Registry, Reporter, Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredHere:
    """What the delivery said that brought a bundle to the registry of a site."""

    evidence: Evidence
    images: tuple[LockedImage, ...]


def bundle_repository(name: str, place: SiteRegistry) -> Repository:
    """Return where a bundle goes in the registry of a site."""
    prefix = f"{place.prefix}/" if place.prefix else ""
    return Repository(place.host, f"{prefix}bundles/{name}")


def bring_bundle(
    trusted: Trusted,
    place: SiteRegistry,
    registry: Registry,
    report: Reporter,
    *,
    limits: LoadLimits = DEFAULT_LOAD_LIMITS,
) -> OciAddress | None:
    """Publish the bundle of a delivery in the registry of a site, with the index that says which images it needs.

    Args:
        trusted: the delivery.
        place: where it goes.
        registry: to write to.
        report: takes why it could not be published.
        limits: how large a bundle may be.

    Returns:
        Where it is; None where another bundle has its version there.

    Raises:
        BundlerError: when the registry does not take it, or the delivery is damaged.
    """
    bundle = load_delivered(trusted, limits=limits)
    archive = trusted.delivery.read(trusted.index.bundle.archive, max_bytes=limits.max_total_bytes)
    address = OciAddress(repository=bundle_repository(bundle.metadata.name, place))
    try:
        published = push(registry, bundle, archive, address).address
    except VersionPublishedError as error:
        report(Warned(f"the bundle is not published at the site: {'; '.join(error.context)}"))
        return None
    subject = registry.manifest(published.repository, published.digest)
    assert subject is not None  # noqa: S101 - it was written, or found, just now
    _attach_index(trusted, published, subject, registry)
    return published


def _attach_index(trusted: Trusted, at: OciAddress, subject: OciManifest, registry: Registry) -> None:
    raw, envelopes = trusted.delivery.raw_index, trusted.delivery.envelopes
    layer = Descriptor(digest=digest_of(raw), size=len(raw), media_type=INDEX_PAYLOAD)
    manifest = artifact_manifest(BUNDLE_DELIVERY, layer, subject=subject)
    if registry.head_manifest(at.repository, manifest.digest) is None:
        put_artifact(registry, at.repository, manifest, layer, raw)
    signature = encode_envelopes(envelopes)
    if envelopes and not is_attached(registry, at, manifest, signature, BUNDLE_SIGNATURE):
        attach_signature(registry, at, manifest, signature, BUNDLE_SIGNATURE)


def delivered_here(
    registry: Registry, published: PublishedBundle, bundle: Bundle, verify: Verifier
) -> DeliveredHere | None:
    """Return what a trusted delivery said that brought a bundle here; None where no trusted one did.

    Args:
        registry: of the site.
        published: what the registry says of the bundle.
        bundle: the same, loaded.
        verify: judges who signed a delivery.

    Raises:
        RegistryError: what the registry answers.
        DeliveryDamagedError: when a signature cannot be read.
    """
    found = list(_deliveries(registry, published, bundle, verify))
    # Exported several times, by other values or for other platforms: the one that carries most serves every order.
    return max(found, key=lambda one: len(one.images), default=None)


def _deliveries(
    registry: Registry, published: PublishedBundle, bundle: Bundle, verify: Verifier
) -> Iterator[DeliveredHere]:
    place = published.address.repository
    for one in registry.referrers(place, published.manifest.digest, artifact_type=BUNDLE_DELIVERY):
        manifest = registry.manifest(place, one.digest)
        if manifest is None or len(manifest.layers) != 1 or manifest.layers[0].size > MAX_INDEX_BYTES:
            continue
        raw = b"".join(registry.blob(place, manifest.layers[0]))
        envelopes = fetch_envelopes(registry, published.address, manifest, BUNDLE_SIGNATURE)
        try:
            evidence = verify(INDEX_PAYLOAD, raw, envelopes)
            index = decode_index(raw)
        except (SignatureError, ValueError):
            continue  # anyone who may write to the registry may attach something
        if index.bundle.digest == bundle.digest:
            yield DeliveredHere(evidence=evidence, images=tuple(image.locked for image in index.images))
