"""The sandbox's objects in one SQLite file. Layer: sandbox; reads and writes that file, knows no API rules."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from bundler.errors.cluster import SandboxStoreError
from bundler.errors.disk import MAKE_ROOM
from bundler.model.lean import dataclass
from bundler.model.refs import ObjectRef
from bundler.sandbox.store_file import check_schema, closing_on_error, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from bundler.model.json import Body

Tree: TypeAlias = dict[str, Any]
"""A JSON object that may be changed: what ``json.loads`` hands out."""

SCHEMA_VERSION = 1
LOG_LENGTH = 2000
"""How many versions a watch can go back."""

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE objects (
    grp TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    uid TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL
);
CREATE UNIQUE INDEX objects_by_name ON objects (grp, kind, namespace, name);
CREATE INDEX objects_by_uid ON objects (uid);
CREATE TABLE owners (
    owner_uid TEXT NOT NULL, grp TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (owner_uid, grp, kind, namespace, name)
) WITHOUT ROWID;
CREATE TABLE log (
    version INTEGER PRIMARY KEY, type TEXT NOT NULL,
    grp TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    body TEXT NOT NULL, previous TEXT NOT NULL
);
CREATE TABLE faults (
    grp TEXT NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    reason TEXT NOT NULL, since_s REAL NOT NULL, PRIMARY KEY (grp, kind, namespace, name)
) WITHOUT ROWID;
"""
_OWNED_INDEX = "CREATE INDEX owners_by_name ON owners (grp, kind, namespace, name)"
"""Beside the schema, since files of older versions do not have it."""
_GET = "SELECT body FROM objects WHERE grp = ? AND kind = ? AND namespace = ? AND name = ?"
_UPDATE = "UPDATE objects SET version = ?, body = ? WHERE grp = ? AND kind = ? AND namespace = ? AND name = ?"
_REMOVE = "DELETE FROM objects WHERE grp = ? AND kind = ? AND namespace = ? AND name = ?"
_DISOWN = "DELETE FROM owners WHERE grp = ? AND kind = ? AND namespace = ? AND name = ?"
_HEAL = "DELETE FROM faults WHERE grp = ? AND kind = ? AND namespace = ? AND name = ?"
_BEFORE = """SELECT previous FROM log
    WHERE version > ? AND grp = ? AND kind = ? AND namespace = ? AND name = ? ORDER BY version LIMIT 1"""
_VERSIONS = "SELECT namespace, name, version FROM objects WHERE grp = ? AND kind = ?"
_VERSIONS_EVERYWHERE = f"{_VERSIONS} ORDER BY namespace, name"
_VERSIONS_IN_NAMESPACE = f"{_VERSIONS} AND namespace = ? ORDER BY name"
_VERSIONS_OWNED = """SELECT o.namespace, o.name, o.version FROM owners AS w
    JOIN objects AS o ON o.grp = w.grp AND o.kind = w.kind AND o.namespace = w.namespace AND o.name = w.name
    WHERE w.owner_uid = ? AND w.grp = ? AND w.kind = ? ORDER BY o.namespace, o.name"""
_IN_NAMESPACE = """SELECT namespace, name, version, body FROM objects
    WHERE grp = ? AND kind = ? AND namespace = ? ORDER BY name"""
_EVERYWHERE = """SELECT namespace, name, version, body FROM objects
    WHERE grp = ? AND kind = ? ORDER BY namespace, name"""
_WIPE = ("DELETE FROM meta", "DELETE FROM objects", "DELETE FROM owners", "DELETE FROM log", "DELETE FROM faults")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One change of one object, as a watch tells it."""

    version: int
    type: str
    """``ADDED``, ``MODIFIED`` or ``DELETED``."""
    body: Tree
    previous: Body | None
    """The object before; None where it was added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failure that someone asked for."""

    ref: ObjectRef
    reason: str
    since_s: float
    """Seconds since the epoch."""


def new_uid() -> str:
    """Return a random uid in the form of a version 4 UUID; the uuid module costs more to import than this."""
    digits = bytearray(os.urandom(16))
    digits[6] = digits[6] & 0x0F | 0x40
    digits[8] = digits[8] & 0x3F | 0x80
    text = digits.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def encode(body: Body) -> str:
    """Write an object the way it is stored."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


class Transaction:
    """A view of the store that is kept or dropped as a whole; only valid inside its block."""

    def __init__(self, connection: sqlite3.Connection, cache: dict[ObjectRef, tuple[int, Tree]]) -> None:
        self._sql = connection
        self._cache = cache
        self._written: dict[ObjectRef, tuple[int, Tree]] = {}
        """Decoded objects of versions that this transaction made; dropped with it."""
        self.first_version = self.version = int(self.meta("version", "1"))

    def meta(self, name: str, default: str = "") -> str:
        """Return a remembered text."""
        row = self._sql.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return default if row is None else str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        """Remember a text."""
        self._sql.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def get(self, ref: ObjectRef) -> Tree | None:
        """Return a copy of an object, None where there is none."""
        row = self._sql.execute(_GET, _key(ref)).fetchone()
        return None if row is None else dict(json.loads(row[0]))

    def select(
        self, group: str, kind: str, namespace: str = "", chosen: Callable[[Body], bool] | None = None
    ) -> list[Tree]:
        """Return copies of the objects of a kind, all or those ``chosen``, ordered by namespace and name.

        Args:
            group: API group; empty for the core group.
            kind: of the object, such as ``Deployment``.
            namespace: empty for all.
            chosen: keeps an object; None keeps all.
        """
        if chosen is None:
            return [json.loads(row[3]) for row in self._rows(group, kind, namespace)]
        return [json.loads(encode(body)) for body in self.peek(group, kind, namespace) if chosen(body)]

    def peek(self, group: str, kind: str, namespace: str = "") -> list[Body]:
        """Return all objects of a kind, shared and read-only: what controllers look through again and again.

        Args:
            group: API group; empty for the core group.
            kind: of the object, such as ``Deployment``.
            namespace: empty for all.
        """
        if namespace:
            rows = self._sql.execute(_VERSIONS_IN_NAMESPACE, (group, kind, namespace))
        else:
            rows = self._sql.execute(_VERSIONS_EVERYWHERE, (group, kind))
        return self._decoded(group, kind, rows)

    def peek_owned(self, uid: str, group: str, kind: str) -> list[Body]:
        """Return the objects of a kind whose ownerReferences name ``uid``, shared and read-only.

        Args:
            uid: of the owner.
            group: API group; empty for the core group.
            kind: of the object, such as ``Deployment``.
        """
        return self._decoded(group, kind, self._sql.execute(_VERSIONS_OWNED, (uid, group, kind)))

    def insert(self, ref: ObjectRef, body: Tree) -> None:
        """Store a new object and stamp its resourceVersion."""
        text = self._stamp(body)
        self._sql.execute(
            "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*_key(ref), body["metadata"]["uid"], self.version, text),
        )
        self._set_owners(ref, body)
        self._record("ADDED", ref, text, "null")

    def update(self, ref: ObjectRef, body: Tree) -> None:
        """Store an object again and stamp its new resourceVersion."""
        previous = self._text(ref)
        text = self._stamp(body)
        self._sql.execute(_UPDATE, (self.version, text, *_key(ref)))
        self._set_owners(ref, body)
        self._record("MODIFIED", ref, text, previous)

    def remove(self, ref: ObjectRef) -> None:
        """Forget an object; watches see its last state with a version of its own."""
        previous = self._text(ref)
        body = json.loads(previous)
        text = self._stamp(body)
        self._sql.execute(_REMOVE, _key(ref))
        self._sql.execute(_DISOWN, _key(ref))
        self._record("DELETED", ref, text, previous)

    def dependents(self, uid: str) -> list[ObjectRef]:
        """Return the objects whose ownerReferences name ``uid``."""
        rows = self._sql.execute("SELECT grp, kind, namespace, name FROM owners WHERE owner_uid = ?", (uid,))
        return [ObjectRef(*row) for row in rows]

    def orphans(self) -> list[ObjectRef]:
        """Return the objects that have owners, none of which is stored any more."""
        rows = self._sql.execute(
            "SELECT w.grp, w.kind, w.namespace, w.name FROM owners AS w LEFT JOIN objects AS o ON o.uid = w.owner_uid"
            " GROUP BY w.grp, w.kind, w.namespace, w.name HAVING COUNT(o.uid) = 0"
        )
        return [ObjectRef(*row) for row in rows]

    def marked(self, finalizer: str) -> list[ObjectRef]:
        """Return the objects whose text holds a finalizer's name."""
        rows = self._sql.execute(
            "SELECT grp, kind, namespace, name FROM objects WHERE instr(body, ?) > 0", (json.dumps(finalizer),)
        )
        return [ObjectRef(*row) for row in rows]

    def kept_version(self, ref: ObjectRef) -> str:
        """Return the resourceVersion an object had when this transaction began, empty where it did not exist."""
        row = self._sql.execute(_BEFORE, (self.first_version, *_key(ref))).fetchone()
        previous = None if row is None else json.loads(row[0])
        return "" if previous is None else str(previous["metadata"]["resourceVersion"])

    def refs_in(self, namespace: str) -> list[ObjectRef]:
        """Return every object in a namespace."""
        rows = self._sql.execute("SELECT grp, kind, namespace, name FROM objects WHERE namespace = ?", (namespace,))
        return [ObjectRef(*row) for row in rows]

    def log_since(self, version: int, group: str, kind: str) -> list[LogEntry]:
        """Return the changes of a kind after ``version``, oldest first.

        Args:
            version: the last one seen.
            group: API group; empty for the core group.
            kind: of the object, such as ``Deployment``.
        """
        rows = self._sql.execute(
            "SELECT version, type, body, previous FROM log WHERE version > ? AND grp = ? AND kind = ? ORDER BY version",
            (version, group, kind),
        )
        return [
            LogEntry(version=row[0], type=row[1], body=json.loads(row[2]), previous=json.loads(row[3])) for row in rows
        ]

    def kinds_changed_since(self, version: int) -> set[tuple[str, str]]:
        """Return (group, kind) of everything that changed after ``version``."""
        return set(self._sql.execute("SELECT DISTINCT grp, kind FROM log WHERE version > ?", (version,)))

    def oldest_logged(self) -> int:
        """Return the version after which the log is complete."""
        row = self._sql.execute("SELECT MIN(version) FROM log").fetchone()
        return self.version if row[0] is None else int(row[0]) - 1

    def trim_log(self, length: int) -> None:
        """Forget all but the last ``length`` changes."""
        self._sql.execute("DELETE FROM log WHERE version <= ?", (self.version - length,))

    def faults(self) -> list[Fault]:
        """Return the failures that were asked for."""
        rows = self._sql.execute("SELECT * FROM faults ORDER BY 1, 2, 3, 4")
        return [Fault(ref=ObjectRef(*row[:4]), reason=row[4], since_s=row[5]) for row in rows]

    def set_fault(self, fault: Fault) -> None:
        """Ask for a failure."""
        row = (*_key(fault.ref), fault.reason, fault.since_s)
        self._sql.execute("INSERT OR REPLACE INTO faults VALUES (?, ?, ?, ?, ?, ?)", row)

    def drop_fault(self, ref: ObjectRef) -> bool:
        """Take a failure back; False where there was none."""
        return self._sql.execute(_HEAL, _key(ref)).rowcount > 0

    def wipe(self) -> None:
        """Forget everything."""
        for statement in _WIPE:
            self._sql.execute(statement)
        self._cache.clear()

    def _rows(self, group: str, kind: str, namespace: str) -> sqlite3.Cursor:
        if namespace:
            return self._sql.execute(_IN_NAMESPACE, (group, kind, namespace))
        return self._sql.execute(_EVERYWHERE, (group, kind))

    def _decoded(self, group: str, kind: str, rows: Iterable[tuple[str, str, int]]) -> list[Body]:
        """Return the objects of rows of namespace, name and version; each version is decoded once."""
        # all rows first: bodies are read by the same connection
        return [
            self._decode(ObjectRef(group, kind, namespace, name), version) for namespace, name, version in list(rows)
        ]

    def _decode(self, ref: ObjectRef, version: int) -> Body:
        # A dropped transaction may have used the same number: versions written in this one are not kept.
        cache = self._cache if version <= self.first_version else self._written
        known = cache.get(ref)
        if known is None or known[0] != version:
            known = cache[ref] = (version, json.loads(self._text(ref)))
        return known[1]

    def _text(self, ref: ObjectRef) -> str:
        row = self._sql.execute(_GET, _key(ref)).fetchone()
        return str(row[0])

    def _stamp(self, body: Tree) -> str:
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        return encode(body)

    def _set_owners(self, ref: ObjectRef, body: Tree) -> None:
        self._sql.execute(_DISOWN, _key(ref))
        owners = {str(owner.get("uid", "")) for owner in body["metadata"].get("ownerReferences") or ()}
        self._sql.executemany("INSERT INTO owners VALUES (?, ?, ?, ?, ?)", [(uid, *_key(ref)) for uid in owners])

    def _record(self, change: str, ref: ObjectRef, text: str, previous: str) -> None:
        self._sql.execute(
            "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (self.version, change, *_key(ref), text, previous)
        )


class Store:
    """One SQLite database; safe to use from several threads and, where it is a file, several processes."""

    def __init__(self, path: Path | None, *, log_length: int = LOG_LENGTH) -> None:
        self.path = path
        self._log_length = log_length
        self._mutex = threading.RLock()
        self._cache: dict[ObjectRef, tuple[int, Tree]] = {}
        with self._translating():
            self._sql = connect(path)
            with closing_on_error(self._sql):
                self._migrate()

    @contextmanager
    def transaction(self, *, is_dry_run: bool = False) -> Iterator[Transaction]:
        """Open a transaction that is kept at the end of the block, or dropped for a dry-run and on any exception.

        Raises:
            SandboxStoreError: when the file cannot be read or written.
        """
        with self._mutex, self._translating():
            self._sql.execute("BEGIN IMMEDIATE")
            try:
                made = Transaction(self._sql, self._cache)
                yield made
                if not is_dry_run:
                    self._keep(made)
            finally:
                if self._sql.in_transaction:
                    self._sql.execute("ROLLBACK")

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """Open a consistent view for reading.

        Raises:
            SandboxStoreError: when the file cannot be read.
        """
        with self._mutex, self._translating():
            self._sql.execute("BEGIN")
            try:
                yield Transaction(self._sql, self._cache)
            finally:
                self._sql.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        with self._mutex:
            self._sql.close()

    def _keep(self, made: Transaction) -> None:
        if made.version != made.first_version:
            made.set_meta("version", str(made.version))
        if made.version // 64 != made.first_version // 64:
            made.trim_log(self._log_length)
        self._sql.execute("COMMIT")

    def _migrate(self) -> None:
        self._sql.execute("BEGIN IMMEDIATE")
        (version,) = self._sql.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in _SCHEMA.split(";\n"):
                self._sql.execute(statement)
            self._sql.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        if version <= SCHEMA_VERSION:
            self._sql.execute(_OWNED_INDEX.replace("INDEX", "INDEX IF NOT EXISTS", 1))
        self._sql.execute("COMMIT")
        if version > SCHEMA_VERSION:
            raise SandboxStoreError(
                "opening the sandbox",
                context=[f"{self.path}: format {version}, this bundler knows {SCHEMA_VERSION}"],
                hint="use a newer bundler, or `bundler sandbox reset` to start an empty sandbox",
            )
        check_schema(self._sql, (*_SCHEMA.split(";\n"), _OWNED_INDEX), self.path)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            is_full = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL
            hint = "check that the file is writable; where it is damaged, `bundler sandbox reset` starts over"
            raise SandboxStoreError(
                "using the sandbox",
                context=[f"{self.path or 'in memory'}: {error}"],
                hint=MAKE_ROOM if is_full else hint,
            ) from error


def _key(ref: ObjectRef) -> tuple[str, str, str, str]:
    return (ref.group, ref.kind, ref.namespace, ref.name)
