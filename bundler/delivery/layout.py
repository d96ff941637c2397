"""Take images from OCI layouts on disk. Layer: delivery, adapter of the ImageSource port; reads local files.

Source: OCI image-spec v1.1, image-layout.md; annotations ``org.opencontainers.image.ref.name`` and containerd's
``io.containerd.image.name``.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from bundler.errors.delivery import ContentMismatchError, ExportError
from bundler.model.digest import is_digest
from bundler.model.image import ImageRef
from bundler.model.json import is_mapping, items_at, text_at
from bundler.model.oci import Descriptor, OciManifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bundler.model.digest import Digest
    from bundler.model.json import Body
    from bundler.model.oci import Repository

_CHUNK_BYTES: Final = 512 * 1024
_MAX_JSON_BYTES: Final = 4 * 1024 * 1024
_NAMES: Final = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


class LayoutSource:
    """One OCI layout. Images are found by their full names, or by tag where the layout was given for one image."""

    def __init__(self, folder: Path, *, image: str = "") -> None:
        """Read the layout's index.

        Args:
            folder: of the layout.
            image: ``docker.io/library/nginx``: what the layout holds, where its own names are tags alone.

        Raises:
            ExportError: when it is no layout.
        """
        self._folder = folder
        content = self._read(folder / "index.json")
        entries = [Descriptor.from_json(item) for item in items_at(_parsed(content), "manifests")]
        if not entries:
            raise self._error(f"{folder / 'index.json'} lists no image")
        self._entries = entries
        self._only = ImageRef.parse(image) if image else None

    def manifest(self, repository: Repository, reference: str) -> OciManifest | None:
        """Return a manifest or index by tag or digest; None where the layout does not hold it."""
        if is_digest(reference):
            path = self._path(reference)
            return (
                self._manifest(path, "", reference)
                if path.is_file() and path.stat().st_size < _MAX_JSON_BYTES
                else None
            )
        wanted = f"{repository.host}/{repository.name}:{reference}"
        for entry in self._entries:
            if wanted in self._names_of(entry):
                return self._manifest(self._path(entry.digest), entry.media_type, entry.digest)
        return None

    def blob(self, repository: Repository, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob; its digest is checked after the last piece.

        Raises:
            ContentMismatchError: when it is not what its digest says; after the last piece.
            ExportError: when the layout does not hold it.
        """
        del repository
        hasher = hashlib.sha256()
        try:
            with self._path(descriptor.digest).open("rb") as file:
                while piece := file.read(_CHUNK_BYTES):
                    hasher.update(piece)
                    yield piece
        except OSError as error:
            raise self._error(f"{self._path(descriptor.digest)}: {error.strerror or error}") from error
        self._check(f"sha256:{hasher.hexdigest()}", descriptor.digest)

    def referrers(self, repository: Repository, digest: Digest, *, artifact_type: str = "") -> Sequence[Descriptor]:
        """Return what the layout's own index lists as referring to a manifest."""
        del repository
        found = []
        for entry in self._entries:
            if entry.artifact_type and artifact_type in {"", entry.artifact_type}:
                body = self._manifest(self._path(entry.digest), entry.media_type, entry.digest).body
                if text_at(body, "subject", "digest") == digest:
                    found.append(entry)
        return found

    def _names_of(self, entry: Descriptor) -> set[str]:
        names = {text for key in _NAMES if (text := entry.annotations.get(key))}
        tags = {name for name in names if "/" not in name and ":" not in name}
        full = {str(ref) for name in names - tags if (ref := _ref(name)) is not None}
        if self._only is not None:
            full |= {f"{self._only.registry}/{self._only.repository}:{tag}" for tag in tags}
        return full

    def _manifest(self, path: Path, media_type: str, digest: str) -> OciManifest:
        content = self._read(path)
        manifest = OciManifest.of(content, media_type or text_at(_parsed(content), "mediaType"))
        self._check(manifest.digest, digest)
        return manifest

    def _path(self, digest: str) -> Path:
        if not is_digest(digest):
            raise self._error(f"{digest!r} is not a digest")
        return self._folder / "blobs" / digest.replace(":", "/")

    def _read(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                content = file.read(_MAX_JSON_BYTES + 1)
        except OSError as error:
            raise self._error(f"{path}: {error.strerror or error}") from error
        if len(content) > _MAX_JSON_BYTES:
            raise self._error(f"{path} is larger than a manifest can be")
        return content

    def _check(self, found: str, wanted: str) -> None:
        if found != wanted:
            hint = "make the layout again"
            context = [f"{self._path(wanted)} holds {found}"]
            raise ContentMismatchError(f"reading OCI layout {self._folder}", context=context, hint=hint)

    def _error(self, found: str) -> ExportError:
        hint = "name a folder that `skopeo copy … oci:FOLDER` or the like made"
        return ExportError(f"reading OCI layout {self._folder}", context=[found], hint=hint)


def _ref(name: str) -> ImageRef | None:
    try:
        return ImageRef.parse(name)
    except ValueError:
        return None


def _parsed(content: bytes) -> Body:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if is_mapping(body) else {}
