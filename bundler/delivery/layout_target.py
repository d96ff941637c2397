"""Write images into OCI layouts on disk. Layer: delivery, adapter of the ImageTarget port; writes local files.

Blobs come first and the index last, each under a name of its own until it is whole: a run that is killed leaves the
layout as it was, and blobs that no one names.
Source: OCI image-spec v1.1, image-layout.md.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from bundler.delivery.layout import REF_NAME
from bundler.delivery.layout_blobs import LayoutBlobs, parsed
from bundler.errors.delivery import ContentMismatchError, ImageBuildError
from bundler.files.whole_file import write_whole
from bundler.model.json import canonical_json, items_at, mapping_at, text_at
from bundler.model.oci import OCI_INDEX, Descriptor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bundler.model.json import Body, JSONValue
    from bundler.model.oci import BlobSource, OciManifest, Repository

_VERSION: Final = b'{"imageLayoutVersion": "1.0.0"}'
_HINT: Final = "name a folder that you can write to: a new or empty one, or an OCI layout"


class LayoutTarget:
    """One OCI layout that images are written into, made where there is none. All repositories are the same to it."""

    def __init__(self, folder: Path) -> None:
        """Open or make it.

        Raises:
            ImageBuildError: when the folder holds something else, or cannot be written.
        """
        self._blobs, self._folder = LayoutBlobs(folder), folder
        with self._writing():
            is_layout = (folder / "oci-layout").is_file()
            if not is_layout and folder.is_dir() and any(folder.iterdir()):
                found = "it holds files, and is no OCI layout"
                raise ImageBuildError(f"writing OCI layout {folder}", context=[found], hint=_HINT)
            (folder / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
            if not is_layout:
                write_whole(folder / "oci-layout", _VERSION)

    def head_manifest(self, repository: Repository, reference: str) -> Descriptor | None:
        """Return the image of a name; None where there is none."""
        del repository
        named = (item for item in self._entries() if _name_of(item) == reference)
        return next((Descriptor.from_json(item) for item in named), None)

    def blob(self, repository: Repository, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob that was written."""
        del repository
        return self._blobs.blob(descriptor)

    def put_blob(
        self, repository: Repository, descriptor: Descriptor, source: BlobSource, *, mount_from: str = ""
    ) -> int:
        """Store a blob, unless it is there; returns how many bytes were written.

        Args:
            repository: makes no difference in a layout.
            descriptor: digest and size of the blob.
            source: opens its content.
            mount_from: makes no difference in a layout.

        Raises:
            ContentMismatchError: when the content is not that of the digest; nothing is left of it.
            ImageBuildError: when it cannot be written.
        """
        del repository, mount_from
        if self._holds(descriptor):
            return 0
        with self._writing(), self._fresh(descriptor.digest) as file:
            hashed, size = hashlib.sha256(), 0
            for piece in source(0):
                hashed.update(piece)
                size += len(piece)
                file.write(piece)
            if f"sha256:{hashed.hexdigest()}" != descriptor.digest or descriptor.size not in {-1, size}:
                found = f"what came has {size} bytes and the digest sha256:{hashed.hexdigest()}"
                doing = f"writing blob {descriptor.digest} into OCI layout {self._folder}"
                raise ContentMismatchError(
                    doing, context=[found], hint="repeat the command; if it fails again, make the base again"
                )
        return size

    def put_manifest(self, repository: Repository, manifest: OciManifest, *, tag: str = "") -> None:
        """Store a manifest; the layout's index lists it where it has a name, or is attached to another.

        Args:
            repository: makes no difference in a layout.
            manifest: its bytes and media type.
            tag: its name in the layout; empty for none.

        Raises:
            ImageBuildError: when it cannot be written.
        """
        self.put_blob(repository, manifest.descriptor, lambda _: iter([manifest.content]))
        if tag or mapping_at(manifest.body, "subject"):
            self._list(manifest, tag)

    def _list(self, manifest: OciManifest, name: str) -> None:
        is_attached = bool(mapping_at(manifest.body, "subject"))
        entry: dict[str, JSONValue] = manifest.descriptor.to_json()
        if is_attached:
            entry["artifactType"] = text_at(manifest.body, "artifactType")
        if name:
            entry["annotations"] = {REF_NAME: name}
        with self._writing(), self._alone():
            kept = [item for item in self._entries() if not _is_replaced(item, manifest, name, is_attached=is_attached)]
            index: dict[str, JSONValue] = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*kept, entry]}
            write_whole(self._folder / "index.json", canonical_json(index))

    def _entries(self) -> list[Body]:
        path = self._folder / "index.json"
        return list(items_at(parsed(self._blobs.read(path)), "manifests")) if path.exists() else []

    def _holds(self, descriptor: Descriptor) -> bool:
        if not self._blobs.path(descriptor.digest).is_file():
            return False
        try:
            for _ in self._blobs.blob(descriptor):
                pass
        except ContentMismatchError:
            return False
        return True

    @contextmanager
    def _fresh(self, digest: str) -> Iterator[IO[bytes]]:
        """Yield a file that becomes a blob when the block comes to its end."""
        path = self._blobs.path(digest)
        fresh = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
        try:
            with fresh.open("xb") as file:
                yield file
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other runs from changing the index meanwhile: each would drop what the other lists."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            found = f"{error.filename or self._folder}: {error.strerror or error}"
            raise ImageBuildError(f"writing OCI layout {self._folder}", context=[found], hint=_HINT) from error


def _name_of(item: Body) -> str:
    return text_at(item, "annotations", REF_NAME)


def _is_replaced(item: Body, manifest: OciManifest, name: str, *, is_attached: bool) -> bool:
    """Return whether an entry of the index makes room for a new one: one of its name, or the same one attached."""
    if is_attached:
        return text_at(item, "digest") == manifest.digest
    return not text_at(item, "artifactType") and _name_of(item) == name
