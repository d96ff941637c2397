"""Write a tar, the same bytes for the same items. Layer: archive; reads what its items open.

Nothing of the machine gets in: no names of owners, no times but the one that is given.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from typing import IO, TYPE_CHECKING, Final, Protocol

from bundler.model.digest import Digest
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from _typeshed import ReadableBuffer


class Readable(Protocol):
    """Content of a file."""

    def read(self, count: int = -1, /) -> bytes:
        """Return at most so many of the next bytes."""
        ...


FILE: Final = tarfile.REGTYPE
FOLDER: Final = tarfile.DIRTYPE
LINK: Final = tarfile.SYMTYPE


@dataclass(frozen=True, slots=True, kw_only=True)
class TarItem:
    """One entry."""

    name: str
    kind: bytes = FILE
    mode: int
    uid: int = 0
    gid: int = 0
    size: int = 0
    target: str = ""
    """Of a link."""
    open: Callable[[], AbstractContextManager[Readable]] | None = None
    """Opens the content of a file."""


def write_tar(out: IO[bytes], items: Iterable[TarItem], *, mtime: int, level: int) -> Digest:
    """Write a gzipped tar, and return the digest of it as it is before packing.

    Args:
        out: the file.
        items: in their order.
        mtime: of every entry, in seconds since 1970.
        level: of gzip, 1 to 9.

    Raises:
        OSError: when something cannot be read or written, or a file has another size than its item says.
    """
    with gzip.GzipFile(filename="", mode="wb", compresslevel=level, fileobj=out, mtime=0) as packed:
        hashed = _Hashed(packed)
        with tarfile.open(fileobj=hashed, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for item in items:
                _add(archive, item, mtime)
    return Digest(f"sha256:{hashed.digest.hexdigest()}")


def _add(archive: tarfile.TarFile, item: TarItem, mtime: int) -> None:
    entry = tarfile.TarInfo(item.name)
    entry.type, entry.mode, entry.mtime = item.kind, item.mode, mtime
    entry.uid, entry.gid, entry.linkname = item.uid, item.gid, item.target
    if item.open is None:
        archive.addfile(entry)
        return
    entry.size = item.size
    with item.open() as content:
        try:
            archive.addfile(entry, content)
        except OSError as error:
            raise error if error.errno else OSError(f"{item.name} shrank while it was read") from error
        if content.read(1):
            raise OSError(f"{item.name} grew while it was read")


class _Hashed(io.RawIOBase):
    """Hashes what passes by."""

    def __init__(self, out: gzip.GzipFile) -> None:
        self._out, self._at = out, 0
        self.digest = hashlib.sha256()

    def write(self, piece: ReadableBuffer) -> int:
        """Hash and hand on."""
        content = bytes(piece)
        self.digest.update(content)
        self._at += len(content)
        return self._out.write(content)

    def tell(self) -> int:
        """Return how much was written."""
        return self._at
