"""Write a bundle as an archive, the same bytes for the same files. Layer: archive; writes one local file."""

from __future__ import annotations

import hashlib
import io
from functools import partial
from typing import TYPE_CHECKING

from bundler.archive.tarball import TarItem, write_tar
from bundler.errors.bundle import ArchiveError
from bundler.errors.disk import hint_to_write
from bundler.files.whole_file import write_whole
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bundler.model.bundle import Bundle, BundleFile

_COMPRESSION_LEVEL = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenArchive:
    """What was written."""

    path: Path
    size_bytes: int
    sha256: str
    """Hex digest of the file; the bundle's own digest is over its files."""


def archive_name(bundle: Bundle) -> str:
    """Return the file name of a bundle's archive: ``shop-1.4.0.tgz``."""
    return f"{bundle.metadata.name}-{bundle.metadata.version}.tgz"


def pack_files(files: Iterable[BundleFile], *, top: str, mtime: int = 0) -> bytes:
    """Return a .tgz of ``files`` below the folder ``top``; ``mtime`` in seconds since 1970.

    Nothing of the machine gets in: names are sorted, owners are 0, modes are 0644 or 0755.

    Args:
        files: of the bundle, by path.
        top: name of the top folder.
        mtime: of every entry, in seconds since 1970.
    """
    packed = io.BytesIO()
    items = (
        TarItem(
            name=f"{top}/{file.path}",
            mode=0o755 if file.is_executable else 0o644,
            size=len(file.content),
            open=partial(io.BytesIO, file.content),
        )
        for file in sorted(files, key=lambda file: file.path)
    )
    write_tar(packed, items, mtime=mtime, level=_COMPRESSION_LEVEL)
    return packed.getvalue()


def write_archive(bundle: Bundle, out: Path, *, mtime: int = 0) -> WrittenArchive:
    """Write ``bundle``, its components and its lock to ``out``: a file, or a folder that gets ``NAME-VERSION.tgz``.

    ``mtime`` is the time of every entry, in seconds since 1970 (``SOURCE_DATE_EPOCH``). The file appears whole or not
    at all.

    Args:
        bundle: loaded, with its components.
        out: a file, or a folder.
        mtime: of every entry, in seconds since 1970.

    Raises:
        ArchiveError: when it cannot be written.
    """
    path = out / archive_name(bundle) if out.is_dir() else out
    return write_packed(path, pack_files(bundle.files.values(), top=bundle.metadata.name, mtime=mtime))


def write_packed(path: Path, content: bytes, *, mode: int = 0o644) -> WrittenArchive:
    """Write what :func:`pack_files` made; the file appears whole or not at all.

    Args:
        path: of the file.
        content: all of it.
        mode: of the file.

    Raises:
        ArchiveError: when it cannot be written.
    """
    try:
        write_whole(path, content, mode=mode)
    except OSError as error:
        hint = hint_to_write(error, "choose an existing folder that you can write to")
        raise ArchiveError(f"writing archive {path}", context=[error.strerror or str(error)], hint=hint) from error
    return WrittenArchive(path=path, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
