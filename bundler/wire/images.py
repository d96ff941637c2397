"""Images that were built, as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from bundler.model.image_build import BuiltImage, BuiltPlatform


class BuiltLayerForm(TypedDict):
    """One layer of an image."""

    digest: str
    diffId: str
    """Digest of the layer before it was packed."""
    bytes: int
    """Packed."""
    added: bool
    """False: it is the base's."""


class BuiltPlatformForm(TypedDict):
    """The image of one platform."""

    platform: str
    digest: str
    config: str
    """Digest of its configuration."""
    base: str
    """Digest of the base's manifest; empty text for an image from nothing."""
    layers: list[BuiltLayerForm]
    bytes: int
    """Of all layers, packed."""
    packages: int
    """How many packages the SBOM names."""
    sbom: str
    """Digest of the manifest that attaches the SBOM; empty text where it is in a file."""


class BuiltImageForm(TypedDict):
    """An image that was built."""

    image: str
    """Where it is: a reference, or ``oci:DIR:NAME``."""
    digest: str
    """Of its index, or of the manifest where there is one platform."""
    mediaType: str
    platforms: list[BuiltPlatformForm]
    files: int
    """How many files and links were added."""
    leftOut: int
    """How many files and folders were ignored."""
    sentBytes: int
    existed: bool
    """The same image was there under that name already."""


def built_image_form(built: BuiltImage) -> BuiltImageForm:
    """Return what was built."""
    return {
        "image": str(built.place),
        "digest": built.digest,
        "mediaType": built.media_type,
        "platforms": [_platform_form(one) for one in built.platforms],
        "files": built.added.files,
        "leftOut": built.added.left_out,
        "sentBytes": built.sent_bytes,
        "existed": built.was_there,
    }


def _platform_form(built: BuiltPlatform) -> BuiltPlatformForm:
    return {
        "platform": built.platform,
        "digest": built.digest,
        "config": built.config,
        "base": built.base,
        "layers": [
            {"digest": one.digest, "diffId": one.diff_id, "bytes": one.size, "added": one.is_added}
            for one in built.layers
        ],
        "bytes": built.size,
        "packages": built.packages,
        "sbom": built.sbom,
    }
