"""Read ``Packages``, the Berkeley database of rpm before 4.16 (UBI 8, CentOS 7). Layer: sbom; reads what it is given.

A hash of pages, written in the byte order of its machine. Every page of a bucket is read, whichever bucket it belongs
to; values too long for a page are in chains of overflow pages.
Source: Berkeley DB 5.3, dbinc/db_page.h (layout of pages), hash.h; rpm, lib/backend/db3.c: keys are the numbers of
headers, and number 0 keeps the next one.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import IO, Final

from bundler.sbom.rpm_header import MAX_HEADER_BYTES

_MAGIC: Final = 0x061561
_VERSIONS = range(7, 11)
"""Of hashes: Berkeley DB 3.1 to 18.1."""
_PAGE_HEAD_BYTES: Final = 26
_PAGE_SIZES = frozenset(1 << power for power in range(9, 17))
_BUCKET_PAGES = frozenset({2, 13})
"""Unsorted, and sorted since 4.6."""
_OVERFLOW_PAGE = 7
_IN_PAGE, _OFF_PAGE = 1, 3
_NEXT_NUMBER_KEY = b"\0\0\0\0"


def read_berkeley(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the header of each package.

    Raises:
        ValueError, struct.error: when it is damaged, or no hash.
    """
    return _Hash(file).values()


class _Hash:
    """One database file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(72)
        self._order = next((order for order in "<>" if struct.unpack_from(f"{order}I", head, 12) == (_MAGIC,)), "")
        if not self._order:
            raise ValueError("not a hash of Berkeley DB")
        version, self._page_bytes = struct.unpack_from(f"{self._order}II", head, 16)
        (last,) = struct.unpack_from(f"{self._order}I", head, 32)
        # Checksums and encryption move what follows a page's head; rpm writes neither.
        if version not in _VERSIONS or head[24] or head[26] & 1:
            raise ValueError(f"a hash of version {version}, or of a kind that rpm does not write")
        if self._page_bytes not in _PAGE_SIZES or last >= size // self._page_bytes:
            raise ValueError("it is cut short")
        self._pages = last + 1
        self._overflow_left = self._pages
        """No overflow page belongs to two values; a chain that runs in a circle ends here."""

    def values(self) -> Iterator[bytes]:
        """Yield every value but the one that keeps the next number."""
        for number in range(1, self._pages):
            page = self._page(number)
            if page[25] in _BUCKET_PAGES:
                yield from self._bucket(page)

    def _page(self, number: int) -> bytes:
        if not 0 < number < self._pages:
            raise ValueError("it names a page that does not exist")
        self._file.seek(number * self._page_bytes)
        return self._file.read(self._page_bytes)

    def _bucket(self, page: bytes) -> Iterator[bytes]:
        (count,) = struct.unpack_from(f"{self._order}H", page, 20)
        first = _PAGE_HEAD_BYTES + 2 * count
        if count % 2 or first > len(page):
            raise ValueError("a page holds half a record")
        # Items fill the page from its end: each ends where the one before it begins.
        starts = struct.unpack_from(f"{self._order}{count}H", page, _PAGE_HEAD_BYTES)
        ends = (len(page), *starts)[:count]
        if any(not first <= start < end for start, end in zip(starts, ends, strict=True)):
            raise ValueError("records of a page overlap")
        items = [page[start:end] for start, end in zip(starts, ends, strict=True)]
        for key, value in zip(items[::2], items[1::2], strict=True):
            if key[1:] != _NEXT_NUMBER_KEY:
                yield self._content(value)

    def _content(self, item: bytes) -> bytes:
        if item[0] == _IN_PAGE:
            return item[1:]
        if item[0] != _OFF_PAGE:
            raise ValueError("a record of a kind that rpm does not write")
        number, left = struct.unpack_from(f"{self._order}II", item, 4)
        if left > MAX_HEADER_BYTES:
            raise ValueError("its packages are longer than can be")
        pieces: list[bytes] = []
        while left:
            page = self._page(number)
            (number,) = struct.unpack_from(f"{self._order}I", page, 16)
            (used,) = struct.unpack_from(f"{self._order}H", page, 22)
            self._overflow_left -= 1
            if page[25] != _OVERFLOW_PAGE or not 0 < used <= min(left, len(page) - _PAGE_HEAD_BYTES):
                raise ValueError("a chain of overflow pages is broken")
            if self._overflow_left < 0:
                raise ValueError("two packages share their pages")
            pieces.append(page[_PAGE_HEAD_BYTES : _PAGE_HEAD_BYTES + used])
            left -= used
        return b"".join(pieces)
