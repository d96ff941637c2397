"""What has to be in which repository for an image to be whole. Layer: images, pure."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass
from bundler.model.oci import OCI_MANIFEST, Descriptor, OciManifest

if TYPE_CHECKING:
    from bundler.model.digest import Digest

_MAX_DEPTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTree:
    """An image with its parts, children before those who name them."""

    manifests: tuple[OciManifest, ...]
    """The root last."""
    blobs: tuple[Descriptor, ...]
    """Configs and layers, each once."""

    @property
    def root(self) -> OciManifest:
        """The manifest that stands for the image."""
        return self.manifests[-1]


def image_tree(root: Digest, media_type: str, read: Callable[[Digest], bytes], carried: Container[Digest]) -> ImageTree:
    """Walk an image from its root manifest.

    What an index lists and no one carries (a platform that was left out) is passed over, and so are layers that their
    makers do not let travel, which name other places for them.

    Args:
        root: digest of the topmost manifest.
        media_type: of that manifest, where it does not say itself.
        read: returns the bytes of a manifest, digest checked.
        carried: digests that are there.
    """
    manifests: dict[Digest, OciManifest] = {}
    for manifest in _walk(root, media_type, read, carried, depth=0):
        manifests.setdefault(manifest.digest, manifest)
    blobs = {
        blob.digest: blob
        for manifest in manifests.values()
        if not manifest.is_index
        for blob in manifest.blobs
        if blob.digest in carried
    }
    return ImageTree(manifests=tuple(manifests.values()), blobs=tuple(blobs.values()))


def _walk(
    digest: Digest, media_type: str, read: Callable[[Digest], bytes], carried: Container[Digest], *, depth: int
) -> Iterator[OciManifest]:
    content = read(digest)
    said = OciManifest.of(content, media_type).body.get("mediaType")
    manifest = OciManifest.of(content, said if isinstance(said, str) and said else media_type or OCI_MANIFEST)
    if depth < _MAX_DEPTH:
        for child in manifest.children:
            if child.digest in carried:
                yield from _walk(child.digest, child.media_type, read, carried, depth=depth + 1)
    yield manifest
