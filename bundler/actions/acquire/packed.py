"""A local bundle as it travels: its archive, and the signature beside it. Layer: actions; reads local files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bundler.actions.acquire.trust import signature_path
from bundler.archive.writer import pack_files
from bundler.errors.bundle import ArchiveError
from bundler.loader.locate import ARCHIVE_SUFFIX
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedBundle:
    """A bundle as one file."""

    archive: bytes
    """A .tgz."""
    signature: bytes | None
    """What is beside an archive; a folder has none."""


def packed(name: str, bundle: Bundle, *, mtime: int) -> PackedBundle:
    """Return a bundle as one file: an archive as it is, a folder packed as `bundler package` does.

    Args:
        name: what was asked for: a path, or a bundle's name.
        bundle: what it led to, loaded.
        mtime: of every entry of a folder, in seconds since 1970.

    Raises:
        ArchiveError: when the archive cannot be read.
    """
    path = Path(name).expanduser()
    if not name.endswith(ARCHIVE_SUFFIX) or not path.is_file():
        archive = pack_files(bundle.files.values(), top=bundle.metadata.name, mtime=mtime)
        return PackedBundle(archive=archive, signature=None)
    beside = signature_path(path)
    try:
        signature = beside.read_bytes() if beside.is_file() else None
        return PackedBundle(archive=path.read_bytes(), signature=signature)
    except OSError as error:
        found = [f"{error.filename}: {error.strerror or error}"]
        raise ArchiveError(f"reading {name}", context=found, hint="check the permissions") from error
