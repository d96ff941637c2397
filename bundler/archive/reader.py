"""Read an archive into memory without trusting it. Layer: archive; reads one local file."""

from __future__ import annotations

import gzip
import io
import tarfile
import unicodedata
import zlib
from typing import IO, TYPE_CHECKING

from bundler.archive.limits import DEFAULT_ARCHIVE_LIMITS
from bundler.errors import ArchiveDamagedError, ArchiveError, UnsafeArchiveError
from bundler.model.bundle import BundleFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bundler.archive.limits import ArchiveLimits

_UNSAFE_HINT = "do not use this archive; ask whoever made it for one made with `bundler package`"
_DAMAGED_HINT = "fetch the archive again, or make it again with `bundler package`"
_MAX_NAME_CHARS = 1024


def read_archive(path: Path, *, limits: ArchiveLimits = DEFAULT_ARCHIVE_LIMITS) -> dict[str, BundleFile]:
    """Return the files of a .tgz by their path below its one top folder; nothing is written to disk.

    Raises:
        ArchiveError: when it cannot be read; ArchiveDamagedError: when it is damaged or no archive.
        UnsafeArchiveError: when it links, leaves its folder, or exceeds ``limits``.
    """
    doing = f"reading archive {path}"
    try:
        with path.open("rb") as packed:
            return _read(packed, doing, packed_bytes=path.stat().st_size, limits=limits)
    except OSError as error:
        raise _as_archive_error(error, doing) from error


def read_packed(content: bytes, *, name: str, limits: ArchiveLimits = DEFAULT_ARCHIVE_LIMITS) -> dict[str, BundleFile]:
    """Return the files of a .tgz that is in memory; see :func:`read_archive`.

    Args:
        content: the archive.
        name: how it is called in messages.
        limits: on what it unpacks to.

    Raises:
        ArchiveError, UnsafeArchiveError: as for a file.
    """
    doing = f"reading archive {name}"
    try:
        return _read(io.BytesIO(content), doing, packed_bytes=len(content), limits=limits)
    except OSError as error:
        raise _as_archive_error(error, doing) from error


def _read(packed: IO[bytes], doing: str, *, packed_bytes: int, limits: ArchiveLimits) -> dict[str, BundleFile]:
    try:
        with (
            _BoundedReader(packed, doing, packed_bytes=packed_bytes, limits=limits) as bounded,
            tarfile.open(fileobj=bounded, mode="r|", bufsize=65536) as archive,
        ):
            return _Checker(doing, limits).files(archive)
    except (EOFError, zlib.error, tarfile.TarError, UnicodeError, ValueError, OverflowError) as error:
        raise ArchiveDamagedError(doing, context=[f"it is damaged: {error}"], hint=_DAMAGED_HINT) from error


def _as_archive_error(error: OSError, doing: str) -> ArchiveError:
    if isinstance(error, gzip.BadGzipFile):
        return ArchiveDamagedError(doing, context=[f"it is damaged, or no .tgz: {error}"], hint=_DAMAGED_HINT)
    hint = "check the path and its permissions"
    return ArchiveError(doing, context=[f"it cannot be read: {error.strerror or error}"], hint=hint)


class _BoundedReader(gzip.GzipFile):
    """Counts what is unpacked and stops a bomb before it fills the memory."""

    def __init__(self, packed: IO[bytes], doing: str, *, packed_bytes: int, limits: ArchiveLimits) -> None:
        super().__init__(fileobj=packed)
        self._doing = doing
        self._packed_bytes = max(packed_bytes, 1)
        self._limits = limits
        self._total_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        """Return up to ``size`` bytes."""
        data = super().read(size)
        self._total_bytes += len(data)
        if self._total_bytes > self._limits.max_total_bytes:
            raise _unsafe(self._doing, f"it unpacks to more than the limit of {self._limits.max_total_bytes} bytes")
        is_large = self._total_bytes > self._limits.ratio_from_bytes
        if is_large and self._total_bytes > self._limits.max_ratio * self._packed_bytes:
            raise _unsafe(self._doing, f"it unpacks to more than {self._limits.max_ratio} times its size")
        return data


class _Checker:
    """Takes entries one by one; refuses the first that is not harmless."""

    def __init__(self, doing: str, limits: ArchiveLimits) -> None:
        self._doing = doing
        self._limits = limits
        self._seen: dict[str, str] = {}
        self._folders: set[str] = set()
        self._top = ""

    def files(self, archive: tarfile.TarFile) -> dict[str, BundleFile]:
        """Return the files of ``archive``."""
        files = {}
        for member in self._counted(archive):
            parts = self._parts(member)
            if member.isdir():
                continue
            self._check_kind(member)
            path = "/".join(parts[1:])
            if not path:
                raise self._refusal(member, "lies outside of the one top folder")
            self._check_unique(member, parts)
            source = archive.extractfile(member)
            content = source.read() if source else b""
            if len(content) != member.size:
                raise ArchiveDamagedError(
                    self._doing, context=[f'it is damaged: "{member.name}" is cut short'], hint=_DAMAGED_HINT
                )
            files[path] = BundleFile(path=path, content=content, is_executable=bool(member.mode & 0o100))
        return files

    def _counted(self, archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
        for count, member in enumerate(archive, start=1):
            if count > self._limits.max_entries:
                raise _unsafe(self._doing, f"it has more entries than the limit of {self._limits.max_entries}")
            yield member

    def _parts(self, member: tarfile.TarInfo) -> list[str]:
        name = member.name
        parts = name.split("/")
        if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
            raise self._refusal(member, "is an absolute path")
        if ".." in parts:
            raise self._refusal(member, "leaves its folder")
        if len(name) > _MAX_NAME_CHARS or not name.isprintable() or "\\" in name or not all(parts) or "." in parts:
            raise self._refusal(member, "is not a plain relative path")
        self._top = self._top or parts[0]
        if parts[0] != self._top:
            raise self._refusal(member, f'lies outside of the one top folder "{self._top}"')
        return parts

    def _check_kind(self, member: tarfile.TarInfo) -> None:
        if member.issym() or member.islnk():
            raise self._refusal(member, "is a link")
        if member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} or member.sparse is not None:
            raise self._refusal(member, "is neither a file nor a folder")
        if member.size > self._limits.max_file_bytes:
            raise self._refusal(member, f"is larger than the limit of {self._limits.max_file_bytes} bytes")

    def _check_unique(self, member: tarfile.TarInfo, parts: list[str]) -> None:
        """Refuse what would become one file where letters of both cases, or of two spellings, are the same."""
        folded = [unicodedata.normalize("NFC", part).casefold() for part in parts]
        key = "/".join(folded)
        if (other := self._seen.get(key)) is not None:
            found = "stands there twice" if other == member.name else f'differs from "{other}" only in case'
            raise self._refusal(member, found)
        above = ["/".join(folded[:count]) for count in range(1, len(folded))]
        if key in self._folders or any(folder in self._seen for folder in above):
            raise self._refusal(member, "is a file and a folder at once")
        self._seen[key] = member.name
        self._folders.update(above)

    def _refusal(self, member: tarfile.TarInfo, found: str) -> UnsafeArchiveError:
        return _unsafe(self._doing, f"entry {member.name[:200]!a} {found}")


def _unsafe(doing: str, found: str) -> UnsafeArchiveError:
    return UnsafeArchiveError(doing, context=[found], hint=_UNSAFE_HINT)
