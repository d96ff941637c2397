"""Write images into OCI layouts on disk. Layer: delivery, adapter of the ImageTarget port; writes local files.

What is written waits in a folder of its own until the image has a name, and the index comes last: a run that fails
or is killed leaves the layout as it was, and none where there was none.
Source: OCI image-spec v1.1, image-layout.md.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final, Self

from bundler.delivery.layout import REF_NAME
from bundler.delivery.layout_blobs import LayoutBlobs, parsed
from bundler.errors.delivery import ContentMismatchError, ImageBuildError
from bundler.errors.disk import hint_to_write
from bundler.files.incoming_folder import PREFIX, IncomingFolder
from bundler.files.locked_folder import locked_folder
from bundler.files.whole_file import write_whole
from bundler.model.json import canonical_json, items_at, mapping_at, text_at
from bundler.model.oci import OCI_INDEX, Descriptor, Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bundler.model.json import Body, JSONValue
    from bundler.model.oci import BlobSource, OciManifest

_VERSION: Final = b'{"imageLayoutVersion": "1.0.0"}'
_HINT: Final = "name a folder that you can write to: a new or empty one, or an OCI layout"


class LayoutTarget:
    """One OCI layout that images are written into, made with the first image where there is none.

    All repositories are the same to it.
    """

    def __init__(self, folder: Path) -> None:
        """Open it.

        Raises:
            ImageBuildError: when the folder holds something else, or cannot be written.
        """
        self._folder = folder
        self._attached: list[OciManifest] = []
        with self._writing():
            if _is_something_else(folder):
                found = "it holds files, and is no OCI layout"
                raise ImageBuildError(f"writing OCI layout {folder}", context=[found], hint=_HINT)
            self._incoming = IncomingFolder(folder)
            (self._incoming.path / "blobs" / "sha256").mkdir(parents=True)
        self._fresh, self._blobs = LayoutBlobs(self._incoming.path), LayoutBlobs(folder)

    def __enter__(self) -> Self:
        """Return itself; at the end of the block it is closed."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop what no image named."""
        self._incoming.close()

    def head_manifest(self, repository: Repository, reference: str) -> Descriptor | None:
        """Return the image of a name; None where there is none."""
        del repository
        named = (item for item in self._entries() if _name_of(item) == reference)
        return next((Descriptor.from_json(item) for item in named), None)

    def blob(self, repository: Repository, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob that was written."""
        del repository
        is_fresh = self._fresh.path(descriptor.digest).is_file()
        return (self._fresh if is_fresh else self._blobs).blob(descriptor)

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
        with self._writing(), self._new_blob(descriptor.digest) as file:
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
        """Store a manifest; with the first one that has a name, the layout lists it and what is attached to others.

        Args:
            repository: makes no difference in a layout.
            manifest: its bytes and media type.
            tag: its name in the layout; empty for none.

        Raises:
            ImageBuildError: when it cannot be written.
        """
        self.put_blob(repository, manifest.descriptor, lambda _: iter([manifest.content]))
        if tag:
            self._publish(manifest, tag)
        elif mapping_at(manifest.body, "subject"):
            self._attached.append(manifest)

    def _publish(self, manifest: OciManifest, name: str) -> None:
        """Move what was written to its place, and list it."""
        with self._writing(), locked_folder(self._folder):
            write_whole(self._folder / "oci-layout", _VERSION)  # first: what a killed run leaves is a layout still
            blobs = self._folder / "blobs" / "sha256"
            blobs.mkdir(parents=True, exist_ok=True)
            for blob in (self._incoming.path / "blobs" / "sha256").iterdir():
                blob.replace(blobs / blob.name)
            listed = {text_at(item, "digest"): item for item in map(_attached_entry, self._attached)}
            kept = (item for item in self._entries() if text_at(item, "digest") not in listed)
            others = (item for item in kept if text_at(item, "artifactType") or _name_of(item) != name)
            entry: dict[str, JSONValue] = {**manifest.descriptor.to_json(), "annotations": {REF_NAME: name}}
            entries: list[JSONValue] = [*others, *listed.values(), entry]
            index: dict[str, JSONValue] = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
            write_whole(self._folder / "index.json", canonical_json(index))
        self._attached.clear()

    def _entries(self) -> list[Body]:
        path = self._folder / "index.json"
        return list(items_at(parsed(self._blobs.read(path)), "manifests")) if path.exists() else []

    def _holds(self, descriptor: Descriptor) -> bool:
        if not any(place.path(descriptor.digest).is_file() for place in (self._fresh, self._blobs)):
            return False
        try:
            for _ in self.blob(Repository("", ""), descriptor):
                pass
        except ContentMismatchError:
            return False
        return True

    @contextmanager
    def _new_blob(self, digest: str) -> Iterator[IO[bytes]]:
        """Yield a file that becomes a blob when the block comes to its end."""
        path = self._fresh.path(digest)
        fresh = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
        try:
            with fresh.open("xb") as file:
                yield file
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            found = f"{error.filename or self._folder}: {error.strerror or error}"
            raise ImageBuildError(
                f"writing OCI layout {self._folder}", context=[found], hint=hint_to_write(error, _HINT)
            ) from error


def _name_of(item: Body) -> str:
    return text_at(item, "annotations", REF_NAME)


def _is_something_else(folder: Path) -> bool:
    """Return whether a folder holds files and is not a layout; asked while no run writes the first image into it."""
    try:
        with locked_folder(folder):
            others = (path for path in folder.iterdir() if not path.name.startswith(PREFIX))
            return not (folder / "oci-layout").is_file() and any(others)
    except FileNotFoundError:
        return False


def _attached_entry(manifest: OciManifest) -> dict[str, JSONValue]:
    return {**manifest.descriptor.to_json(), "artifactType": text_at(manifest.body, "artifactType")}
