"""Take images from OCI layouts on disk. Layer: delivery, adapter of the ImageSource port; reads local files.

Source: OCI image-spec v1.1, image-layout.md; annotations ``org.opencontainers.image.ref.name`` and containerd's
``io.containerd.image.name``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.delivery.layout_blobs import LayoutBlobs, parsed
from bundler.errors.delivery import ExportError
from bundler.model.digest import is_digest
from bundler.model.image import ImageRef
from bundler.model.json import items_at, text_at
from bundler.model.oci import Descriptor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bundler.model.digest import Digest
    from bundler.model.oci import OciManifest, Repository

REF_NAME: Final = "org.opencontainers.image.ref.name"
_NAMES: Final = ("io.containerd.image.name", REF_NAME)


class LayoutSource:
    """One OCI layout. Images are found by their full names, or by tag where the layout was given for one image."""

    def __init__(self, folder: Path, *, image: str = "") -> None:
        """Read the layout's index.

        Args:
            folder: of the layout.
            image: ``docker.io/library/nginx``: what the layout holds, where its own names are tags alone; with a tag
                it is the whole name of the only image there.

        Raises:
            ExportError: when it is not a layout.
        """
        self._blobs = LayoutBlobs(folder)
        content = self._blobs.read(folder / "index.json")
        entries = [Descriptor.from_json(item) for item in items_at(parsed(content), "manifests")]
        if not entries:
            raise self._blobs.error(f"{folder / 'index.json'} lists no image")
        self._entries = entries
        self._only = ImageRef.parse(image) if image else None
        self._is_only_tagged = ":" in image.rpartition("/")[2]

    @property
    def images(self) -> Sequence[Descriptor]:
        """What the layout's index lists, without what is attached to images."""
        return [entry for entry in self._entries if not entry.artifact_type]

    def find(self, name: str) -> Descriptor:
        """Return the image of a name, which may be a tag; of an empty name the only one.

        Raises:
            ExportError: when there is none, or are several.
        """
        found = [entry for entry in self.images if not name or name in _all_names(entry)]
        if len({entry.digest for entry in found}) == 1:
            return found[0]
        there = sorted({text for entry in self.images for text in _all_names(entry)}) or ["images without names"]
        doing, folder = f"looking for an image in OCI layout {self._blobs.folder}", self._blobs.folder
        what = f"named {name}" if name else "that is the only one"
        context = [f"there is no image {what}; there are: {', '.join(there)}"]
        raise ExportError(doing, context=context, hint=f"name one of them: oci:{folder}:{there[0].split(' ')[0]}")

    def manifest(self, repository: Repository, reference: str) -> OciManifest | None:
        """Return a manifest or index by tag or digest; None where the layout does not hold it."""
        if is_digest(reference):
            return self._blobs.manifest(reference)
        wanted = f"{repository.host}/{repository.name}:{reference}"
        for entry in self.images:
            if wanted in self._names_of(entry):
                return self._listed(entry)
        return None

    def blob(self, repository: Repository, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob; its digest is checked after the last piece.

        Raises:
            ContentMismatchError: when it is not what its digest says; after the last piece.
            ExportError: when the layout does not hold it.
        """
        del repository
        return self._blobs.blob(descriptor)

    def referrers(self, repository: Repository, digest: Digest, *, artifact_type: str = "") -> Sequence[Descriptor]:
        """Return what the layout's own index lists as referring to a manifest."""
        del repository
        return [
            entry
            for entry in self._entries
            if entry.artifact_type
            and artifact_type in {"", entry.artifact_type}
            and text_at(self._listed(entry).body, "subject", "digest") == digest
        ]

    def _listed(self, entry: Descriptor) -> OciManifest:
        """Return a manifest that the layout's index lists."""
        found = self._blobs.manifest(entry.digest, entry.media_type)
        if found is None:
            raise self._blobs.error(f"{self._blobs.path(entry.digest)} is missing, or larger than a manifest can be")
        return found

    def _names_of(self, entry: Descriptor) -> set[str]:
        names = _all_names(entry)
        tags = {name for name in names if "/" not in name and ":" not in name}
        full = {str(ref) for name in names - tags if (ref := ImageRef.of(name)) is not None}
        if self._only is not None:
            full |= {f"{self._only.name}:{tag}" for tag in tags}
            if (self._is_only_tagged or not names) and len(self.images) == 1:
                full.add(str(self._only))
        return full


def _all_names(entry: Descriptor) -> set[str]:
    return {text for key in _NAMES if (text := entry.annotations.get(key))}
