"""What a delivery file holds, as its index says it. Layer: model, pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from bundler.model.digest import Digest, digest_of
from bundler.model.lean import dataclass, replace

if TYPE_CHECKING:
    from bundler.model.image import ImageRef, LockedImage

DELIVERY_API = "bundler.dev/delivery.v1"
NOT_MADE: Final[Digest] = digest_of(b"")
"""Stands for the SBOM until it is made."""


class BlobKind(StrEnum):
    """What a blob is for; the order here is the order in the file."""

    BUNDLE = "bundle"
    """The bundle's own archive, as ``bundler package`` writes it."""
    MANIFEST = "manifest"
    """An OCI manifest or index, byte for byte."""
    CONFIG = "config"
    ATTACHMENT = "attachment"
    """Something that its maker attached to an image: an SBOM, an attestation."""
    TOOL = "tool"
    """bundler itself, as one file."""
    LAYER = "layer"
    SBOM = "sbom"
    """Our own SBOM; it stands last, because it is made while the layers pass by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """One content-addressed piece of a delivery."""

    digest: Digest
    size: int
    """Bytes."""
    kind: BlobKind
    in_base: bool = False
    """Not stored here: the file that this delta builds on brought it to the site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedBundle:
    """The bundle of a delivery."""

    name: str
    version: str
    app_version: str = ""
    digest: Digest
    """The bundle's own digest, over its files."""
    archive: Digest
    """The blob that holds its archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedImage:
    """An image of a delivery and the manifest at its root."""

    locked: LockedImage
    root: Digest
    """The topmost manifest that is carried; equal to ``locked.digest``."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Attachment:
    """A document that its maker attached to an image, and that travels along."""

    image: Digest
    """The manifest it is attached to."""
    media_type: str
    """Of the document itself, or its artifact type."""
    digest: Digest
    """The manifest that carries it; a blob of kind ``manifest``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedTool:
    """bundler itself."""

    digest: Digest
    version: str
    python: str
    """What it needs: ``>=3.11``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The delivery that a delta builds on."""

    index: Digest
    """Build id of that file."""
    name: str
    version: str
    repositories: tuple[str, ...] = ()
    """Where its layers may lie besides where this delivery's own images do, since images get other names:
    ``docker.io/library/nginx``, sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryIndex:
    """Everything about a delivery; the file is fully determined by it."""

    bundle: CarriedBundle
    kube_version: str
    platforms: tuple[str, ...]
    """Those that were asked for, sorted; empty where all are carried."""
    all_platforms: bool
    images: tuple[CarriedImage, ...]
    attachments: tuple[Attachment, ...] = ()
    sbom: Digest
    tool: CarriedTool | None = None
    base: Base | None = None
    blobs: tuple[Blob, ...]
    """In the order of the file."""

    @property
    def stored(self) -> tuple[Blob, ...]:
        """Blobs that the file itself holds."""
        return tuple(blob for blob in self.blobs if not blob.in_base)

    def blob(self, digest: str) -> Blob | None:
        """Return what the index says about a blob, None where it knows none of that digest."""
        return next((blob for blob in self.blobs if blob.digest == digest), None)


def base_of(index: DeliveryIndex, build_id: Digest, images: Iterable[ImageRef]) -> Base:
    """Return what a delta says about the delivery that it builds on.

    Args:
        index: of that delivery.
        build_id: of that delivery.
        images: those of the delta.
    """
    before = {one.locked.ref.name for one in index.images} | set(index.base.repositories if index.base else ())
    others = sorted(before - {one.name for one in images})
    return Base(index=build_id, name=index.bundle.name, version=index.bundle.version, repositories=tuple(others))


def without_sbom(index: DeliveryIndex) -> DeliveryIndex:
    """Return an index as it is before the SBOM is made: what two exports of the same things agree on."""
    *others, last = index.blobs
    return replace(index, sbom=NOT_MADE, blobs=(*others, replace(last, digest=NOT_MADE, size=0)))


def blob_order(blob: Blob) -> tuple[int, str]:
    """Return the key by which blobs are sorted: kind, then digest."""
    return list(BlobKind).index(blob.kind), blob.digest
