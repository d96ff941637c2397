"""The index of a delivery as bytes. Layer: delivery, pure; strict: only the bytes that we write ourselves are read.

The index stands first, but the digest of our SBOM is known last, after every layer went by. So the index is padded with
spaces to a size that does not depend on the SBOM's, and layers can be written to their places before it is complete.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from bundler.model.delivery import (
    DELIVERY_API,
    Attachment,
    Base,
    Blob,
    BlobKind,
    CarriedBundle,
    CarriedImage,
    CarriedTool,
    DeliveryIndex,
    blob_order,
)
from bundler.model.digest import Digest, is_digest
from bundler.model.image import ImageRef, LockedImage
from bundler.model.json import canonical_json, is_list, is_mapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.model.json import JSONValue

REGION_STEP: Final = 65536
MAX_INDEX_BYTES: Final = 32 * 1024 * 1024
MAX_BLOBS: Final = 100_000
MAX_BLOB_BYTES: Final = 1 << 50
_SBOM_SIZE_CHARS = 64
"""Room for the SBOM's size, which is written as 0 when the region is measured."""
_MAX_TEXT_CHARS = 1000


def encode_index(index: DeliveryIndex) -> bytes:
    """Return the raw bytes of ``index.json``, padding included; their sha256 is the build id."""
    return canonical_json(_to_json(index, sbom_size=None)).ljust(region_size(index))


def region_size(index: DeliveryIndex) -> int:
    """Return how many bytes ``index.json`` takes; the digest and the size of the SBOM do not count."""
    used = len(canonical_json(_to_json(index, sbom_size=0))) + _SBOM_SIZE_CHARS
    return -(-used // REGION_STEP) * REGION_STEP


def decode_index(raw: bytes) -> DeliveryIndex:
    """Read the raw bytes of ``index.json``; they must be exactly what :func:`encode_index` makes of what they say.

    Raises:
        ValueError: when anything is different.
    """
    _require(len(raw) <= MAX_INDEX_BYTES, "larger than an index can be")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON") from error
    root = _Reader(document)
    _require(root.text("apiVersion") == DELIVERY_API, f"not of format {DELIVERY_API}; a newer bundler may read it")
    index = _from_json(root)
    _check(index)
    _require(encode_index(index) == raw, "not in the one form that says what it says")
    return index


def _to_json(index: DeliveryIndex, *, sbom_size: int | None) -> JSONValue:
    bundle = index.bundle
    return {
        "apiVersion": DELIVERY_API,
        "bundle": {
            "name": bundle.name,
            "version": bundle.version,
            "appVersion": bundle.app_version,
            "digest": bundle.digest,
            "archive": bundle.archive,
        },
        "kubeVersion": index.kube_version,
        "platforms": list(index.platforms),
        "allPlatforms": index.all_platforms,
        "images": [_image_json(image) for image in index.images],
        "attachments": [
            {"image": one.image, "mediaType": one.media_type, "digest": one.digest} for one in index.attachments
        ],
        "sbom": index.sbom,
        "tool": {"digest": index.tool.digest, "version": index.tool.version, "python": index.tool.python}
        if index.tool
        else None,
        "base": _base_json(index.base) if index.base else None,
        "blobs": [
            {
                "digest": blob.digest,
                "size": sbom_size if blob.kind is BlobKind.SBOM and sbom_size is not None else blob.size,
                "kind": blob.kind.value,
                "inBase": blob.in_base,
            }
            for blob in index.blobs
        ],
    }


def _base_json(base: Base) -> JSONValue:
    said: dict[str, JSONValue] = {"index": base.index, "name": base.name, "version": base.version}
    return {**said, "repositories": list(base.repositories)} if base.repositories else said


def _image_json(image: CarriedImage) -> JSONValue:
    locked = image.locked
    return {
        "ref": str(locked.ref),
        "digest": locked.digest,
        "mediaType": locked.media_type,
        "platforms": list(locked.platforms),
        "size": locked.size,
        "usedBy": list(locked.used_by),
        "root": image.root,
    }


def _from_json(root: _Reader) -> DeliveryIndex:
    bundle = root.below("bundle")
    tool, base = root.optional("tool"), root.optional("base")
    return DeliveryIndex(
        bundle=CarriedBundle(
            name=bundle.text("name"),
            version=bundle.text("version"),
            app_version=bundle.text("appVersion"),
            digest=bundle.digest("digest"),
            archive=bundle.digest("archive"),
        ),
        kube_version=root.text("kubeVersion"),
        platforms=root.texts("platforms"),
        all_platforms=root.flag("allPlatforms"),
        images=tuple(_image(item) for item in root.items("images")),
        attachments=tuple(
            Attachment(image=item.digest("image"), media_type=item.text("mediaType"), digest=item.digest("digest"))
            for item in root.items("attachments")
        ),
        sbom=root.digest("sbom"),
        tool=_tool(tool) if tool else None,
        base=_base(base) if base else None,
        blobs=tuple(
            Blob(
                digest=item.digest("digest"),
                size=item.size("size"),
                kind=BlobKind(item.text("kind")),
                in_base=item.flag("inBase"),
            )
            for item in root.items("blobs")
        ),
    )


def _image(item: _Reader) -> CarriedImage:
    locked = LockedImage(
        ref=ImageRef.parse(item.text("ref")),
        digest=item.digest("digest"),
        media_type=item.text("mediaType"),
        platforms=item.texts("platforms"),
        size=item.size("size"),
        used_by=item.texts("usedBy"),
    )
    return CarriedImage(locked=locked, root=item.digest("root"))


def _tool(item: _Reader) -> CarriedTool:
    return CarriedTool(digest=item.digest("digest"), version=item.text("version"), python=item.text("python"))


def _base(item: _Reader) -> Base:
    others = item.texts("repositories") if item.has("repositories") else ()
    _require(list(others) == sorted(set(others)), "the base's repositories are not in their order")
    _require(all(ImageRef.parse(other).name == other for other in others), "the base names what is not a repository")
    return Base(index=item.digest("index"), name=item.text("name"), version=item.text("version"), repositories=others)


def _check(index: DeliveryIndex) -> None:
    """Hold what the index says about itself together."""
    digests = {blob.digest: blob for blob in index.blobs}
    _require(len(index.blobs) <= MAX_BLOBS, "it lists more blobs than a delivery can have")
    _require(len(digests) == len(index.blobs), "a blob is listed twice")
    _require(list(index.blobs) == sorted(index.blobs, key=blob_order), "its blobs are not in their order")
    _require(all(blob.kind is BlobKind.LAYER for blob in index.blobs if blob.in_base), "only layers can be in a base")
    _require(index.base is not None or not any(blob.in_base for blob in index.blobs), "blobs in a base, and no base")
    named = [(index.bundle.archive, {BlobKind.BUNDLE}), (index.sbom, {BlobKind.SBOM})]
    named += [(index.tool.digest, {BlobKind.TOOL})] if index.tool else []
    named += [(image.root, {BlobKind.MANIFEST}) for image in index.images]
    named += [(one.digest, {BlobKind.MANIFEST}) for one in index.attachments]
    for digest, kinds in named:
        blob = digests.get(digest)
        _require(blob is not None and blob.kind in kinds, f"{digest} is named and not among its blobs")
    _require([blob.digest for blob in index.blobs if blob.kind is BlobKind.SBOM] == [index.sbom], "more than one SBOM")
    refs = [str(image.locked.ref) for image in index.images]
    _require(refs == sorted(set(refs)), "its images are not in their order")


def _require(holds: bool, problem: str) -> None:  # noqa: FBT001 - reads as a statement
    if not holds:
        raise ValueError(problem)


class _Reader:
    """One JSON object, read key by key; what does not exist or of another type is a ValueError."""

    def __init__(self, value: JSONValue) -> None:
        _require(is_mapping(value), "something that must be an object is none")
        self._body = value if is_mapping(value) else {}

    def has(self, key: str) -> bool:
        """Return whether there is such a key."""
        return key in self._body

    def text(self, key: str) -> str:
        """Return a string."""
        return _text(self._body.get(key), key)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings."""
        return tuple(_text(item, key) for item in self._list(key))

    def digest(self, key: str) -> Digest:
        """Return a digest."""
        text = self.text(key)
        _require(is_digest(text), f"{key} is not a digest")
        return Digest(text)

    def size(self, key: str) -> int:
        """Return a number of bytes."""
        value = self._body.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_BLOB_BYTES:
            raise ValueError(f"{key} is not a size")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self._body.get(key)
        if not isinstance(value, bool):
            raise ValueError(f"{key} is neither true nor false")  # noqa: TRY004 - readers of an index expect one kind of error
        return value

    def below(self, key: str) -> _Reader:
        """Return an object."""
        return _Reader(self._body.get(key))

    def optional(self, key: str) -> _Reader | None:
        """Return an object, or None for null."""
        value = self._body.get(key)
        return None if value is None else _Reader(value)

    def items(self, key: str) -> list[_Reader]:
        """Return a list of objects."""
        return [_Reader(item) for item in self._list(key)]

    def _list(self, key: str) -> Sequence[JSONValue]:
        value = self._body.get(key)
        _require(is_list(value), f"{key} is not a list")
        return value if is_list(value) else ()


def _text(value: JSONValue, key: str) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT_CHARS or not value.isprintable():
        raise ValueError(f"{key} is not plain text")
    return value
