"""The blobs of an OCI layout, by digest. Layer: delivery; reads local files.

Source: OCI image-spec v1.1, image-layout.md.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from bundler.errors.delivery import ContentMismatchError, ExportError
from bundler.model.digest import is_digest
from bundler.model.json import is_mapping, text_at
from bundler.model.oci import OciManifest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bundler.model.json import Body
    from bundler.model.oci import Descriptor

CHUNK_BYTES: Final = 512 * 1024
MAX_JSON_BYTES: Final = 4 * 1024 * 1024


class LayoutBlobs:
    """The files of one layout; what is read is compared with its digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Return the file of a blob.

        Raises:
            ExportError: when that is not a digest.
        """
        if not is_digest(digest):
            raise self.error(f"{digest!r} is not a digest")
        return self.folder / "blobs" / digest.replace(":", "/")

    def read(self, path: Path) -> bytes:
        """Return a file that holds JSON.

        Raises:
            ExportError: when it cannot be read, or is larger than a manifest can be.
        """
        try:
            with path.open("rb") as file:
                content = file.read(MAX_JSON_BYTES + 1)
        except OSError as error:
            raise self.error(f"{path}: {error.strerror or error}") from error
        if len(content) > MAX_JSON_BYTES:
            raise self.error(f"{path} is larger than a manifest can be")
        return content

    def manifest(self, digest: str, media_type: str = "") -> OciManifest | None:
        """Return a manifest; None where the layout does not hold it.

        Args:
            digest: of its content.
            media_type: as its descriptor says; empty: as it says itself.

        Raises:
            ContentMismatchError: when it is not what its digest says.
        """
        path = self.path(digest)
        if not path.is_file() or path.stat().st_size > MAX_JSON_BYTES:
            return None
        content = self.read(path)
        manifest = OciManifest.of(content, media_type or text_at(parsed(content), "mediaType"))
        self._check(manifest.digest, digest)
        return manifest

    def blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob; its size and digest are checked after the last piece.

        Raises:
            ContentMismatchError: when it is not what its descriptor says.
            ExportError: when the layout does not hold it.
        """
        path, hasher, size = self.path(descriptor.digest), hashlib.sha256(), 0
        try:
            with path.open("rb") as file:
                while piece := file.read(CHUNK_BYTES):
                    hasher.update(piece)
                    size += len(piece)
                    if 0 <= descriptor.size < size:
                        break
                    yield piece
        except OSError as error:
            raise self.error(f"{path}: {error.strerror or error}") from error
        if descriptor.size not in {-1, size}:
            raise self._mismatch(f"{path} has another size than {descriptor.size} bytes, which its manifest says")
        self._check(f"sha256:{hasher.hexdigest()}", descriptor.digest)

    def error(self, found: str) -> ExportError:
        """Return the error of a layout that cannot be used."""
        hint = "name a folder that `skopeo copy … oci:FOLDER` or the like made"
        return ExportError(f"reading OCI layout {self.folder}", context=[found], hint=hint)

    def _check(self, found: str, wanted: str) -> None:
        if found != wanted:
            raise self._mismatch(f"{self.path(wanted)} holds {found}")

    def _mismatch(self, found: str) -> ContentMismatchError:
        doing = f"reading OCI layout {self.folder}"
        return ContentMismatchError(doing, context=[found], hint="make the layout again")


def parsed(content: bytes) -> Body:
    """Return the JSON object in a file; an empty one where there is none."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if is_mapping(body) else {}
