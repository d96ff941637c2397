"""Images, deliveries, keys and signatures as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from bundler.model.delivery import DeliveryIndex
    from bundler.model.image import FoundImage, ImageInventory, ImageRef, LockedImage
    from bundler.model.imported import ImportResult
    from bundler.model.results import Exported, Verified
    from bundler.model.trust import TrustedKey


class UseForm(TypedDict):
    """One place that names an image."""

    ref: str
    """As written."""
    where: str


class FoundImageForm(TypedDict):
    """An image that a bundle can need."""

    ref: str
    uses: list[UseForm]
    settings: list[str]
    """The values that lead to it; empty text stands for the values as given."""
    becomes: NotRequired[str]
    """The reference at the site's registry."""


class InventoryForm(TypedDict):
    """Every image that a bundle can need."""

    images: list[FoundImageForm]
    warnings: list[str]
    settings: int
    """How many settings of the switches were rendered."""
    pairsTried: bool
    """False: there are too many switches to try every two of them together."""


class LockedImageForm(TypedDict):
    """An image that a delivery carries, pinned."""

    ref: str
    digest: str
    mediaType: str
    platforms: list[str]
    bytes: int
    usedBy: list[str]
    becomes: NotRequired[str]
    """The reference at the site's registry."""


class CarriedForm(TypedDict):
    """The images of a delivery."""

    images: list[LockedImageForm]


class ImportedImageForm(TypedDict):
    """Where one image went."""

    ref: str
    target: str
    existed: bool
    """Nothing of it had to be sent."""


class ImportedForm(TypedDict):
    """What an import brought into a registry."""

    registry: str
    bundle: str | None
    images: list[ImportedImageForm]
    sentBytes: int
    sentBlobs: int
    skippedBlobs: int


class PinnedImageForm(TypedDict):
    """An image, by its digest."""

    ref: str
    digest: str
    platforms: list[str]


class DeliveredImageForm(PinnedImageForm):
    """An image in a delivery."""

    bytes: int
    usedBy: list[str]


class BaseForm(TypedDict):
    """What a delta builds on."""

    name: str
    version: str
    build: str


class DeliveryForm(TypedDict):
    """What a delivery carries."""

    build: str
    platforms: list[str]
    blobs: int
    bytes: int
    images: list[DeliveredImageForm]
    attachments: int
    base: BaseForm | None
    leftToBase: int
    """How many blobs the base holds."""
    tool: str | None
    """The version of bundler that it carries."""


class DeliveredBundleForm(TypedDict):
    """The bundle of a delivery."""

    name: str
    version: str
    digest: str


class ExportedForm(TypedDict):
    """A delivery that was written."""

    files: list[str]
    bytes: int
    build: str
    bundle: DeliveredBundleForm
    images: list[PinnedImageForm]
    blobs: int
    inBase: int
    """How many blobs are left to the base of a delta."""


class SignerForm(TypedDict):
    """Whose key signed."""

    name: str
    keyId: str


class VerifiedForm(TypedDict):
    """What was checked, and found good."""

    name: str
    version: str
    digest: str
    """Build id of a delivery, digest of a bundle."""
    blobs: int
    """0 for an archive."""
    bytes: int
    images: int | None
    """How many images the bundle rendered to; null where it was not rendered."""
    signedBy: list[SignerForm]


class SignedForm(TypedDict):
    """What was signed."""

    signed: dict[str, str]
    """Digests by file."""
    keyId: str


class KeyPairForm(TypedDict):
    """A new pair of keys."""

    private: str
    """The file of the private key."""
    public: str
    """The file of the public key."""
    name: str
    keyId: str


def inventory_form(inventory: ImageInventory, becomes: Mapping[ImageRef, str]) -> InventoryForm:
    """Return every image that a bundle can need.

    Args:
        inventory: the images.
        becomes: what references become at a site's registry; empty where none is named.
    """
    return {
        "images": [_found_form(image, becomes.get(image.ref, "")) for image in inventory.images],
        "warnings": list(inventory.warnings),
        "settings": inventory.variants,
        "pairsTried": inventory.has_pairs,
    }


def _found_form(image: FoundImage, target: str) -> FoundImageForm:
    form: FoundImageForm = {
        "ref": str(image.ref),
        "uses": [{"ref": use.ref, "where": use.where} for use in image.uses],
        "settings": list(image.settings),
    }
    return {**form, "becomes": target} if target else form


def carried_form(images: Iterable[LockedImage], becomes: Mapping[ImageRef, str]) -> CarriedForm:
    """Return the images of a delivery, and what their references become."""
    return {"images": [_locked_form(image, becomes.get(image.ref, "")) for image in images]}


def _locked_form(image: LockedImage, target: str) -> LockedImageForm:
    form: LockedImageForm = {
        "ref": str(image.ref),
        "digest": image.digest,
        "mediaType": image.media_type,
        "platforms": list(image.platforms),
        "bytes": image.size,
        "usedBy": list(image.used_by),
    }
    return {**form, "becomes": target} if target else form


def imported_form(result: ImportResult, registry: str) -> ImportedForm:
    """Return what went where."""
    return {
        "registry": registry,
        "bundle": str(result.bundle) if result.bundle else None,
        "images": [
            {"ref": str(one.image.ref), "target": one.target, "existed": one.was_there} for one in result.images
        ],
        "sentBytes": result.sent_bytes,
        "sentBlobs": result.sent_blobs,
        "skippedBlobs": result.skipped_blobs,
    }


def delivery_form(index: DeliveryIndex, build_id: str) -> DeliveryForm:
    """Return what a delivery carries."""
    base = index.base
    return {
        "build": build_id,
        "platforms": list(index.platforms) or ["all"],
        "blobs": len(index.stored),
        "bytes": sum(blob.size for blob in index.stored),
        "images": [
            {**_pinned_form(one.locked), "bytes": one.locked.size, "usedBy": list(one.locked.used_by)}
            for one in index.images
        ],
        "attachments": len(index.attachments),
        "base": {"name": base.name, "version": base.version, "build": base.index} if base else None,
        "leftToBase": sum(blob.in_base for blob in index.blobs),
        "tool": index.tool.version if index.tool else None,
    }


def _pinned_form(image: LockedImage) -> PinnedImageForm:
    return {"ref": str(image.ref), "digest": image.digest, "platforms": list(image.platforms)}


def exported_form(exported: Exported) -> ExportedForm:
    """Return which delivery was written."""
    index = exported.index
    return {
        "files": [str(path) for path in exported.paths],
        "bytes": exported.size,
        "build": exported.build_id,
        "bundle": {"name": index.bundle.name, "version": index.bundle.version, "digest": index.bundle.digest},
        "images": [_pinned_form(image.locked) for image in index.images],
        "blobs": len(index.stored),
        "inBase": sum(blob.in_base for blob in index.blobs),
    }


def verified_form(verified: Verified) -> VerifiedForm:
    """Return what was checked, and who signed it."""
    return {
        "name": verified.name,
        "version": verified.version,
        "digest": verified.digest,
        "blobs": verified.blobs,
        "bytes": verified.size,
        "images": verified.images,
        "signedBy": [{"name": key.name, "keyId": key.key_id} for key in verified.evidence.signers],
    }


def signed_form(digests: Mapping[str, str], key: TrustedKey) -> SignedForm:
    """Return what was signed, by which key."""
    return {"signed": dict(digests), "keyId": key.key_id}


def key_pair_form(private: Path, public: Path, key: TrustedKey) -> KeyPairForm:
    """Return where a new pair of keys is.

    Args:
        private: file of the private key.
        public: file of the public key.
        key: the public key, with its id.
    """
    return {"private": str(private), "public": str(public), "name": key.name, "keyId": key.key_id}
