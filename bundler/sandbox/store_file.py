"""The file that the sandbox's objects are in: only what this user made is opened. Layer: sandbox.

A database of someone else may hold triggers and computed columns: code that runs at any statement.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from bundler.errors.cluster import SandboxStoreError
from bundler.files.locked_folder import locked_folder
from bundler.files.private_folder import is_own, open_private, weak_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Protocol

    class Closable(Protocol):
        """What has to be closed."""

        def close(self) -> None:
            """Close it."""


SIDES: Final = ("", "-wal", "-shm")
"""What SQLite puts beside a database, and the database itself."""
_BUSY_TIMEOUT_S: Final = 30
_DOING: Final = "opening the sandbox"


def connect(path: Path | None) -> sqlite3.Connection:
    """Open the database, created for this user alone; in memory where there is no path.

    Raises:
        SandboxStoreError: when someone else may have written it.
    """
    if path is not None:
        _check_folder(path.parent)
        # SQLite would create it readable by everyone; its -wal and -shm files take over this mode. A file that is
        # there is not opened: to close it would let go of the locks of another connection in this process.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        for side in SIDES:
            _check_file(path.with_name(path.name + side))
    connection = sqlite3.connect(
        path or ":memory:", timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    with closing_on_error(connection):
        connection.execute("PRAGMA trusted_schema = OFF")
        if path is not None:
            # SQLite's switch of a new file to its write-ahead log fails at once beside another.
            with locked_folder(path.parent):
                connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    return connection


@contextmanager
def closing_on_error(opened: Closable) -> Iterator[None]:
    """Close what was opened when the block that prepares it fails."""
    try:
        yield
    except BaseException:
        opened.close()
        raise


def check_schema(connection: sqlite3.Connection, statements: Iterable[str], path: Path | None) -> None:
    """Refuse a database with triggers, views or tables that are not exactly those that were created.

    Args:
        connection: an open one.
        statements: that created the tables.
        path: of the file, for messages.

    Raises:
        SandboxStoreError: with the first of them.
    """
    ours = {_one_line(statement) for statement in statements if statement.strip()}
    rows = connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
    for kind, name, statement in rows.fetchall():
        if _one_line(statement) not in ours:
            found = f"{path}: it holds the {kind} {name!a}, which bundler does not make"
            raise SandboxStoreError(
                _DOING, context=[found], hint="run `bundler sandbox reset` to start with an empty sandbox"
            )


def _one_line(statement: str) -> str:
    return " ".join(statement.split())


def _check_folder(folder: Path) -> None:
    descriptor = open_private(folder, create=True)
    if descriptor is not None:
        os.close(descriptor)
        return
    place, problem = weak_place(folder)
    hint = f"let no one else write to {place}, or name another folder with BUNDLER_STATE_DIR"
    raise SandboxStoreError(_DOING, context=[f"{folder}: {place} {problem}"], hint=hint)


def _check_file(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        problem = "it is a link, or no file"
    elif not is_own(found, os.geteuid()):
        problem = f"it belongs to user {found.st_uid} and has mode {stat.S_IMODE(found.st_mode):o}"
    else:
        return
    hint = "remove it if you did not make it so, or name another folder with BUNDLER_STATE_DIR"
    raise SandboxStoreError(_DOING, context=[f"{path}: {problem}"], hint=hint)
