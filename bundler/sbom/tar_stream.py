"""Find files in a tar that passes by in pieces. Layer: sbom; keeps what it finds in temporary files.

Nothing is trusted: sizes and names are bounded, and what is no tar ends with a ValueError.
Source: POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format" (long names, base-256 sizes).
"""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK: Final = 512
_MAX_EXTENSION_BYTES: Final = 1024 * 1024
_IN_MEMORY_BYTES: Final = 64 * 1024
_REGULAR = frozenset({b"0", b"\0", b"7"})
_WITHOUT_CONTENT = frozenset({b"1", b"2", b"3", b"4", b"5", b"6"})
"""Links, devices, folders, pipes: whatever size they claim."""


class TarStream:
    """Takes a tar piece by piece and keeps the files that are wanted."""

    def __init__(self, is_wanted: Callable[[str], bool], *, max_kept_bytes: int, max_names: int) -> None:
        """Begin.

        Args:
            is_wanted: tells by name what is kept.
            max_kept_bytes: of all files together; a file beyond it is passed over.
            max_names: of all wanted names; a tar with more is refused.
        """
        self._is_wanted, self._room_bytes, self._max_names = is_wanted, max_kept_bytes, max_names
        self.files: dict[str, IO[bytes]] = {}
        self.names: list[str] = []
        """Wanted names of any type, in order: whiteouts and links among them."""
        self._buffer = bytearray()
        self._skip = 0
        self._sink: IO[bytes] | None = None
        self._left = 0
        """Bytes of content that still belong to the sink or the extension."""
        self._extension: bytearray | None = None
        self._extension_type = b""
        self._long_name = ""
        self._long_size: int | None = None

    def feed(self, data: bytes) -> None:
        """Take the next piece.

        Raises:
            ValueError: when this is no tar.
        """
        at, end = 0, len(data)
        while at < end:
            if self._left:
                count = min(self._left, end - at)
                self._take(data[at : at + count])
            elif self._skip:
                count = min(self._skip, end - at)
                self._skip -= count
            else:
                count = min(_BLOCK - len(self._buffer), end - at)
                self._buffer += data[at : at + count]
                if len(self._buffer) == _BLOCK:
                    block, self._buffer = bytes(self._buffer), bytearray()
                    self._begin(block)
            at += count

    def close(self) -> None:
        """Drop what was kept."""
        for file in self.files.values():
            file.close()

    def _take(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._extension is not None:
            self._extension += piece
            if not self._left:
                self._end_extension()
        elif self._sink is not None:
            self._sink.write(piece)

    def _begin(self, block: bytes) -> None:
        """Read a header, and decide what happens with what follows it."""
        if not block.strip(b"\0"):
            return
        if not _checksum_fits(block):
            msg = "this is no tar"
            raise ValueError(msg)
        kind, size = block[156:157], _number(block[124:136])
        if kind in {b"x", b"L"}:
            if size > _MAX_EXTENSION_BYTES:
                msg = "a name in the tar is too long"
                raise ValueError(msg)
            self._extension, self._extension_type, self._left = bytearray(), kind, size
            self._skip = -size % _BLOCK
            if not size:
                self._end_extension()
            return
        name = self._long_name or _name_of(block)
        size = size if self._long_size is None else self._long_size
        if kind not in {b"g", b"K"}:
            self._long_name, self._long_size = "", None
        self._open(kind, clean_name(name), 0 if kind in _WITHOUT_CONTENT else size)

    def _open(self, kind: bytes, name: str, size: int) -> None:
        self._skip, self._sink = size + -size % _BLOCK, None
        if kind in {b"g", b"K"} or not self._is_wanted(name):
            return
        if len(self.names) >= self._max_names:
            msg = "it holds more than is looked through"
            raise ValueError(msg)
        self.names.append(name)
        if kind in _REGULAR and size <= self._room_bytes:
            self._room_bytes -= size
            if (before := self.files.pop(name, None)) is not None:
                before.close()
            self._sink = self.files[name] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - kept
            self._left, self._skip = size, -size % _BLOCK

    def _end_extension(self) -> None:
        content, self._extension = bytes(self._extension or b""), None
        if self._extension_type == b"L":
            self._long_name = content.rstrip(b"\0").decode("utf-8", "replace")
            return
        for key, value in _pax_records(content):
            if key == b"path":
                self._long_name = value.decode("utf-8", "replace")
            elif key == b"size" and value.isdigit():
                self._long_size = int(value)


def clean_name(name: str) -> str:
    """Return a name without ``./``, slashes at its ends."""
    return name.removeprefix("./").strip("/")


def _name_of(block: bytes) -> str:
    name = block[:100].split(b"\0", 1)[0]
    prefix = block[345:500].split(b"\0", 1)[0] if block[257:263] == b"ustar\0" else b""
    return (prefix + b"/" + name if prefix else name).decode("utf-8", "replace")


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    digits = field.strip(b" \0")
    return int(digits, 8) if digits else 0


def _checksum_fits(block: bytes) -> bool:
    try:
        return _number(block[148:156]) == sum(block[:148]) + 8 * 32 + sum(block[156:])
    except ValueError:
        return False


def _pax_records(content: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    while content:
        length, _, _ = content.partition(b" ")
        if not length.isdigit() or not 0 < int(length) <= len(content):
            break
        record, content = content[len(length) + 1 : int(length) - 1], content[int(length) :]
        key, _, value = record.partition(b"=")
        found.append((key, value))
    return found
