"""Read an archive into memory without trusting it. Layer: archive; reads one local file."""

from __future__ import annotations

import io
import unicodedata
from functools import partial
from typing import IO, TYPE_CHECKING, NamedTuple

from bundler.archive.limits import DEFAULT_ARCHIVE_LIMITS
from bundler.errors.bundle import ArchiveDamagedError, ArchiveError, UnsafeArchiveError
from bundler.model.bundle import BundleFile
from bundler.model.size import roomy, shown_excess
from bundler.syntax.tar import TarKind, TarReader
from bundler.syntax.unpack import gunzip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bundler.archive.limits import ArchiveLimits
    from bundler.syntax.tar import TarEntry

_TRUSTED_HINT = "leave it alone, or, if you trust its author, pass"
_COUNTED_ON = 4
"""How many times a limit an archive is counted on, so that the error says how large it is; nothing of it is kept."""
_UNSAFE_HINT = "do not use this archive; ask its author for one built with `bundler package`"
_DAMAGED_HINT = "fetch the archive again, or make it again with `bundler package`"
_MAX_NAME_CHARS = 1024
_PIECE_BYTES = 1024 * 1024


def read_archive(
    path: Path, *, name: str = "", limits: ArchiveLimits = DEFAULT_ARCHIVE_LIMITS
) -> dict[str, BundleFile]:
    """Return the files of a .tgz by their path below its one top folder; nothing is written to disk.

    Args:
        path: of the archive.
        name: how it is called in messages; empty: its path.
        limits: on what it unpacks to.

    Raises:
        ArchiveError: when it cannot be read; ArchiveDamagedError: when it is damaged or no archive.
        UnsafeArchiveError: when it links, leaves its folder, or exceeds ``limits``.
    """
    doing = f"reading archive {name or path}"
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


def check_packed(size: int, doing: str, limits: ArchiveLimits) -> None:
    """Refuse an archive that is too large to be kept in memory while it is unpacked.

    Args:
        size: of the archive, in bytes.
        doing: what it is needed for.
        limits: packed, it may be as large as what it unpacks to.

    Raises:
        UnsafeArchiveError: when it is larger.
    """
    if size > limits.max_total_bytes:
        found, limit = shown_excess(size, limits.max_total_bytes)
        excess = _Excess(f"its archive has {found}, the limit is {limit}", f"--max-bundle-size {roomy(size)}")
        raise _too_much(doing, excess)


def _read(packed: IO[bytes], doing: str, *, packed_bytes: int, limits: ArchiveLimits) -> dict[str, BundleFile]:
    pieces = iter(partial(packed.read, _PIECE_BYTES), b"")
    unpacked = _Unpacked(gunzip(pieces), doing, packed_bytes=packed_bytes, limits=limits)
    try:
        return _Checker(doing, limits).files(TarReader(unpacked, max_steps=limits.max_steps))
    except ValueError as error:
        raise ArchiveDamagedError(doing, context=[f"it is damaged, or no .tgz: {error}"], hint=_DAMAGED_HINT) from error


def _as_archive_error(error: OSError, doing: str) -> ArchiveError:
    hint = "check the path and its permissions"
    return ArchiveError(doing, context=[f"it cannot be read: {error.strerror or error}"], hint=hint)


class _Excess(NamedTuple):
    """What is more than a limit."""

    found: str
    flag: str
    """The option, with a value, that would let it pass."""


class _Unpacked:
    """Counts what is unpacked and stops a bomb before it fills the memory."""

    def __init__(self, pieces: Iterator[bytes], doing: str, *, packed_bytes: int, limits: ArchiveLimits) -> None:
        self._pieces = pieces
        self._doing = doing
        self._packed_bytes = max(packed_bytes, 1)
        self._limits = limits
        self._total_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        """Yield each piece once it is counted."""
        for piece in self._pieces:
            self._total_bytes += len(piece)
            if self._is_too_large or self._is_too_dense:
                more = "" if self._count_on() else "at least "
                raise _too_much(self._doing, *self._excesses(more))
            yield piece

    @property
    def _is_too_large(self) -> bool:
        return self._total_bytes > self._limits.max_total_bytes

    @property
    def _is_too_dense(self) -> bool:
        is_asked = self._total_bytes > self._limits.ratio_from_bytes
        return is_asked and self._total_bytes > self._limits.max_ratio * self._packed_bytes

    def _count_on(self) -> bool:
        """Find out how large it is, within reason; return whether this is the end."""
        for piece in self._pieces:
            self._total_bytes += len(piece)
            if self._total_bytes > _COUNTED_ON * self._limits.max_total_bytes:
                return False
        return True

    def _excesses(self, more: str) -> Iterator[_Excess]:
        if self._is_too_large:
            found, limit = shown_excess(self._total_bytes, self._limits.max_total_bytes)
            flag = f"--max-bundle-size {roomy(self._total_bytes)}"
            yield _Excess(f"it unpacks to {more}{found}, the limit is {limit}", flag)
        if self._is_too_dense:
            ratio = -(-self._total_bytes // self._packed_bytes)
            found = f"it unpacks to {more}{ratio} times its size, the limit is {self._limits.max_ratio} times"
            yield _Excess(found, f"--max-bundle-ratio {ratio}")


class _Checker:
    """Takes entries one by one; refuses the first that is not harmless."""

    def __init__(self, doing: str, limits: ArchiveLimits) -> None:
        self._doing = doing
        self._limits = limits
        self._seen: dict[str, str] = {}
        self._folders: set[str] = set()
        self._top = ""

    def files(self, archive: TarReader) -> dict[str, BundleFile]:
        """Return the files of ``archive``."""
        files = {}
        for entry in self._counted(archive.entries()):
            parts = self._parts(entry)
            if entry.kind is TarKind.FOLDER:
                continue
            self._check_kind(entry)
            path = "/".join(parts[1:])
            if not path:
                raise self._refusal(entry, "is outside the one top folder")
            self._check_unique(entry, parts)
            content = b"".join(archive.content())
            files[path] = BundleFile(path=path, content=content, is_executable=bool(entry.mode & 0o100))
        return files

    def _counted(self, entries: Iterator[TarEntry]) -> Iterator[TarEntry]:
        most = self._limits.max_entries
        for count, entry in enumerate(entries, start=1):
            if count > most:
                total, is_all = _count_entries(entries, count, _COUNTED_ON * most)
                found = f"it has {'' if is_all else 'at least '}{total} entries, the limit is {most}"
                raise _too_much(self._doing, _Excess(found, f"--max-bundle-files {total}"))
            self._check_size(entry)
            yield entry

    def _parts(self, entry: TarEntry) -> list[str]:
        name = entry.name
        parts = name.split("/")
        if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
            raise self._refusal(entry, "is an absolute path")
        if ".." in parts:
            raise self._refusal(entry, "leaves its folder")
        if len(name) > _MAX_NAME_CHARS or not name.isprintable() or "\\" in name or not all(parts) or "." in parts:
            raise self._refusal(entry, "is not a plain relative path")
        self._top = self._top or parts[0]
        if parts[0] != self._top:
            raise self._refusal(entry, f'is outside the one top folder "{self._top}"')
        return parts

    def _check_kind(self, entry: TarEntry) -> None:
        if entry.kind is TarKind.LINK:
            raise self._refusal(entry, "is a link")
        if entry.kind is not TarKind.FILE:
            raise self._refusal(entry, "is neither a file nor a folder")

    def _check_size(self, entry: TarEntry) -> None:
        """Refuse what is too large, folders and links that say so too, before it is passed over."""
        if entry.size > self._limits.max_file_bytes:
            found, limit = shown_excess(entry.size, self._limits.max_file_bytes)
            excess = f"entry {entry.name[:200]!a} has {found}, the limit of a file is {limit}"
            raise _too_much(self._doing, _Excess(excess, f"--max-bundle-file-size {roomy(entry.size)}"))

    def _check_unique(self, entry: TarEntry, parts: list[str]) -> None:
        """Refuse what would become one file where letters of both cases, or of two spellings, are the same."""
        folded = [unicodedata.normalize("NFC", part).casefold() for part in parts]
        key = "/".join(folded)
        if (other := self._seen.get(key)) is not None:
            found = "appears twice" if other == entry.name else f'differs from "{other}" only in case'
            raise self._refusal(entry, found)
        above = ["/".join(folded[:count]) for count in range(1, len(folded))]
        if key in self._folders or any(folder in self._seen for folder in above):
            raise self._refusal(entry, "is a file and a folder at once")
        self._seen[key] = entry.name
        self._folders.update(above)

    def _refusal(self, entry: TarEntry, found: str) -> UnsafeArchiveError:
        return UnsafeArchiveError(self._doing, context=[f"entry {entry.name[:200]!a} {found}"], hint=_UNSAFE_HINT)


def _count_entries(entries: Iterator[TarEntry], count: int, most: int) -> tuple[int, bool]:
    """Return how many entries there are after ``count`` of them were seen, and whether that is all."""
    for _ in entries:
        count += 1
        if count > most:
            return count, False
    return count, True


def _too_much(doing: str, *excesses: _Excess) -> UnsafeArchiveError:
    context = [f"{one.found} ({one.flag.partition(' ')[0]})" for one in excesses]
    return UnsafeArchiveError(doing, context=context, hint=f"{_TRUSTED_HINT} {' '.join(one.flag for one in excesses)}")
