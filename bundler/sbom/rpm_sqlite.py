"""Read ``rpmdb.sqlite``, the database of rpm since 4.16. Layer: sbom; sqlite needs a temporary file.

The file comes from an image that no one vouches for: sqlite gets a budget and calls no function, and what is no
plain table is not asked.
Source: rpm, lib/backend/sqlite.c; sqlite.org/security.html.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from typing import IO, Final

from bundler.sbom.rpm_header import MAX_HEADER_BYTES

_MAX_STEPS: Final = 20_000_000
"""Of sqlite's machine; reading 5,000 packages takes 50,000."""
_STEPS_AT_ONCE: Final = 100_000
_SCHEMA = "SELECT type, sql FROM sqlite_schema WHERE name = 'Packages'"
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ})
"""What a statement may do; calling a function, of which any view or column can be made, is none of it."""


def read_sqlite(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the header of each package.

    Raises:
        ValueError: when it is damaged.
    """
    _check_length(file)
    with tempfile.NamedTemporaryFile(prefix="bundler-rpmdb-") as copy:
        shutil.copyfileobj(file, copy)
        copy.flush()
        address = f"file:{copy.name}?mode=ro&immutable=1"
        try:
            with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
                _restrict(database)
                yield from _blobs(database, copy.tell())
        except sqlite3.Error as error:
            raise ValueError(str(error)) from error


def _check_length(file: IO[bytes]) -> None:
    """Refuse a file without its end, whose missing pages sqlite takes for empty ones. Source: fileformat2.html, 1.3."""
    head = file.read(100)
    file_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    if len(head) < 100 or head[:16] != b"SQLite format 3\0":
        raise ValueError("not a database of sqlite")
    (page_bytes,), (pages,) = struct.unpack_from(">H", head, 16), struct.unpack_from(">I", head, 28)
    # A page of 64 KiB is written as 1.
    if pages * (65536 if page_bytes == 1 else page_bytes) > file_bytes:
        raise ValueError("it is cut short")


def _blobs(database: sqlite3.Connection, room: int) -> Iterator[bytes]:
    _check_table(database)
    for (blob,) in database.execute("SELECT blob FROM Packages"):
        if not isinstance(blob, bytes):
            raise ValueError("a package is not a blob")  # noqa: TRY004 - the file is wrong, not the caller
        # Records do not overlap, so together they are no more than the file.
        room -= len(blob)
        if room < 0:
            raise ValueError("two packages share their pages")
        yield blob


def _check_table(database: sqlite3.Connection) -> None:
    """Refuse what is not a plain table: a column may be computed, by anything, whenever a row is read."""
    kind, statement = database.execute(_SCHEMA).fetchone() or ("", "")
    if kind != "table" or not str(statement).startswith("CREATE TABLE "):
        raise ValueError("it has no table of packages")
    # The last field of a column says whether it is hidden: 2 and 3 are computed ones.
    if any(column[-1] for column in database.execute("PRAGMA table_xinfo(Packages)")):
        raise ValueError("its table of packages has a computed column")
    database.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY)


def _restrict(database: sqlite3.Connection) -> None:
    budget = iter(range(_MAX_STEPS // _STEPS_AT_ONCE))
    database.set_progress_handler(lambda: next(budget, -1) < 0, _STEPS_AT_ONCE)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_HEADER_BYTES)
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
