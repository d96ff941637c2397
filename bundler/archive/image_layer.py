"""Write the layer that is added to an image, to a temporary file. Layer: archive; reads local files."""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from bundler.archive.tarball import FILE, FOLDER, LINK, TarItem, write_tar
from bundler.errors.delivery import ImageBuildError
from bundler.errors.disk import hint_to_write
from bundler.model.digest import Digest
from bundler.model.image_build import EntryKind, Placed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from bundler.model.image_build import LayerEntry, Owner

_LEVEL: Final = 6
_CHUNK_BYTES: Final = 1024 * 1024
_KINDS: Final = {EntryKind.FILE: FILE, EntryKind.FOLDER: FOLDER, EntryKind.LINK: LINK}


class PackedLayer:
    """A layer in a temporary file, which is gone when it is closed."""

    def __init__(
        self, entries: Sequence[LayerEntry], *, owner: Owner, folders: Mapping[str, Placed], mtime: int
    ) -> None:
        """Write it.

        Args:
            entries: sorted by path.
            owner: of everything that is not in the base.
            folders: those that the base has, which keep their mode and owner.
            mtime: of every entry, in seconds since 1970.

        Raises:
            ImageBuildError: when a file cannot be read, or changes meanwhile.
        """
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
        self.hashes: dict[str, str] = {}
        """sha256 of each file by its path in the image."""
        try:
            items = self._items(entries, owner, folders)
            self.diff_id = write_tar(self._file, items, mtime=mtime, level=_LEVEL)
            self._file.flush()
        except OSError as error:
            self._file.close()
            found = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            hint = "make sure that nothing changes it meanwhile, then run the same command again"
            if isinstance(error, PermissionError):
                hint = "give yourself the right to read it, or leave it out with .bundleignore"
            hint = hint_to_write(error, hint)
            raise ImageBuildError("packing what is added to the image", context=[found], hint=hint) from error
        self.size = os.fstat(self._file.fileno()).st_size
        hashed = hashlib.sha256()
        for piece in self.read(0):
            hashed.update(piece)
        self.digest = Digest(f"sha256:{hashed.hexdigest()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, offset: int) -> Iterator[bytes]:
        """Yield the packed layer from an offset; a source of a blob."""
        while piece := os.pread(self._file.fileno(), _CHUNK_BYTES, offset):
            offset += len(piece)
            yield piece

    def _items(self, entries: Sequence[LayerEntry], owner: Owner, folders: Mapping[str, Placed]) -> Iterator[TarItem]:
        for entry in entries:
            known = folders.get(entry.path) if entry.kind is EntryKind.FOLDER else None
            placed = known or Placed(kind=entry.kind, mode=_mode_of(entry), uid=owner.uid, gid=owner.gid)
            yield TarItem(
                name=entry.path,
                kind=_KINDS[entry.kind],
                mode=placed.mode,
                uid=placed.uid,
                gid=placed.gid,
                size=entry.size,
                target=entry.target,
                open=partial(_HashedFile, entry.origin, partial(self.hashes.__setitem__, entry.path))
                if entry.origin is not None and entry.kind is EntryKind.FILE
                else None,
            )


class _HashedFile:
    """A file whose content is hashed as it is read."""

    def __init__(self, origin: Path, keep: Callable[[str], None]) -> None:
        self._file, self._hash, self._keep = origin.open("rb"), hashlib.sha256(), keep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._keep(self._hash.hexdigest())

    def read(self, count: int = -1, /) -> bytes:
        """Return the next bytes."""
        piece = self._file.read(count)
        self._hash.update(piece)
        return piece


def _mode_of(entry: LayerEntry) -> int:
    if entry.kind is EntryKind.LINK:
        return 0o777
    return 0o755 if entry.is_executable or entry.kind is EntryKind.FOLDER else 0o644
