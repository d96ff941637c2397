"""Read ``Packages.db``, the "ndb" database of rpm (SUSE). Layer: sbom; reads the file it is given.

A table of slots, each with the place of one package's blob in blocks of 16 bytes; blobs carry an Adler-32.
Source: rpm, lib/backend/ndb/rpmpkg.c. All numbers are little-endian, whatever the machine.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from typing import IO, Final

from bundler.sbom.rpm_header import MAX_HEADER_BYTES

_MAGIC, _SLOT, _HEAD, _TAIL = b"RpmP", b"Slot", b"BlbS", b"BlbE"
_BLOCK_BYTES: Final = 16
_PAGE_BYTES: Final = 4096
_MAX_PAGES: Final = 4096
"""Of slots: a million packages."""
_TABLE_HEAD_BYTES: Final = 32
_HEAD_BYTES, _TAIL_BYTES = 16, 12


def read_ndb(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the header of each package.

    Raises:
        ValueError, struct.error: when it is damaged.
    """
    room = file.seek(0, os.SEEK_END)
    file.seek(0)
    magic, version, _, pages = struct.unpack("<4sIII", file.read(16))
    if magic != _MAGIC or version != 0:
        raise ValueError("not a Packages.db that is known")
    if pages > _MAX_PAGES or pages * _PAGE_BYTES > room:
        raise ValueError("it is cut short")
    file.seek(0)
    slots = file.read(pages * _PAGE_BYTES)
    for at in range(_TABLE_HEAD_BYTES, len(slots), _BLOCK_BYTES):
        slot, package, block, count = struct.unpack_from("<4sIII", slots, at)
        if slot != _SLOT:
            raise ValueError("its table of packages is broken")
        if not block:
            continue
        # Blobs do not overlap, so together they are no more than the file.
        room -= count * _BLOCK_BYTES
        if room < 0 or count * _BLOCK_BYTES > MAX_HEADER_BYTES:
            raise ValueError("its packages are longer than can be")
        file.seek(block * _BLOCK_BYTES)
        yield _blob(file.read(count * _BLOCK_BYTES), package)


def _blob(content: bytes, package: int) -> bytes:
    """Return what is between the head and the tail of a blob."""
    head, owner, _, size = struct.unpack_from("<4sIII", content)
    checksum, size_again, tail = struct.unpack_from("<II4s", content, len(content) - _TAIL_BYTES)
    is_whole = (head, tail, owner, size_again) == (_HEAD, _TAIL, package, size)
    if not is_whole or _HEAD_BYTES + size + _TAIL_BYTES > len(content):
        raise ValueError("a package lies where none is")
    if zlib.adler32(content[:-_TAIL_BYTES]) != checksum:
        raise ValueError("a package's checksum is wrong")
    return content[_HEAD_BYTES : _HEAD_BYTES + size]
