"""Read the package databases of dpkg, apk and rpm. Layer: sbom; sqlite needs a temporary file.

Source: deb-control(5), dpkg's status file; wiki.alpinelinux.org, "Apk spec"; rpm.org, "RPM V4 header"; rpm's
lib/backend/ndb for Packages.db.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import struct
import tempfile
from itertools import islice
from typing import IO, TYPE_CHECKING, Final

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_TAGS: Final = {1000: "name", 1001: "version", 1002: "release", 1003: "epoch", 1014: "license", 1022: "arch"}
_INT32, _STRING, _I18N = 4, 6, 9
_MAX_HEADER_ENTRIES = 100_000
MAX_PACKAGES: Final = 100_000
_MAX_LINE_BYTES = 64 * 1024
"""Longer lines (lists of files, in dpkg's status) are read in pieces: only their beginning is looked at."""
_NDB_MAGIC, _NDB_SLOT, _NDB_BLOB = b"RpmP", b"Slot", b"BlbS"
_NDB_BLOCK, _NDB_PAGE = 16, 4096


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package that is installed in an image."""

    kind: str
    """``deb``, ``apk``, ``rpm``: the type of its package URL."""
    name: str
    version: str
    arch: str = ""
    license: str = ""


class UnreadableError(Exception):
    """A database that is there and cannot be read; the text says why."""


def read_database(path: str, file: IO[bytes]) -> list[Package]:
    """Read one database; what it is follows from its path in the image.

    Raises:
        UnreadableError: when it is damaged, or of a kind that is not read.
    """
    reader: Callable[[IO[bytes]], Iterator[Package]]
    if "/dpkg/" in path:
        reader = _dpkg
    elif "/apk/" in path:
        reader = _apk
    elif path.endswith("rpmdb.sqlite"):
        reader = _rpm_sqlite
    elif path.endswith("Packages.db"):
        reader = _rpm_ndb
    else:
        raise UnreadableError(f"{path}: Berkeley databases of older rpm are not read")
    file.seek(0)
    try:
        found = list(islice(reader(file), MAX_PACKAGES + 1))
    except (ValueError, struct.error, sqlite3.Error, IndexError) as error:
        raise UnreadableError(f"{path}: damaged: {error}") from error
    if len(found) > MAX_PACKAGES:
        raise UnreadableError(f"{path}: it lists more than {MAX_PACKAGES} packages")
    return found


def read_os_release(file: IO[bytes]) -> dict[str, str]:
    """Return ``ID``, ``VERSION_ID`` and so on."""
    file.seek(0)
    text = file.read(64 * 1024).decode("utf-8", "replace")
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def _dpkg(file: IO[bytes]) -> Iterator[Package]:
    for fields in _paragraphs(file, ":"):
        # Files in status.d (distroless) have no Status; they are there because it is installed.
        if fields.get("Package") and fields.get("Status", "install ok installed").endswith(" installed"):
            yield Package("deb", fields["Package"], fields.get("Version", ""), fields.get("Architecture", ""))


def _apk(file: IO[bytes]) -> Iterator[Package]:
    for fields in _paragraphs(file, ":"):
        if fields.get("P"):
            yield Package("apk", fields["P"], fields.get("V", ""), fields.get("A", ""), fields.get("L", ""))


def _paragraphs(file: IO[bytes], sign: str) -> Iterator[Mapping[str, str]]:
    """Yield groups of ``key: value`` lines; the first value of a key counts, continued lines are passed over."""
    fields: dict[str, str] = {}
    for raw in iter(lambda: file.readline(_MAX_LINE_BYTES), b""):
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not line.strip():
            yield fields
            fields = {}
        elif not line[0].isspace():
            key, _, value = line.partition(sign)
            fields.setdefault(key, value.strip())
    yield fields


def _rpm_sqlite(file: IO[bytes]) -> Iterator[Package]:
    with tempfile.NamedTemporaryFile(prefix="bundler-rpmdb-") as copy:
        shutil.copyfileobj(file, copy)
        copy.flush()
        address = f"file:{copy.name}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
            for (blob,) in database.execute("SELECT blob FROM Packages ORDER BY hnum"):
                yield from _rpm_header(bytes(blob))


def _rpm_ndb(file: IO[bytes]) -> Iterator[Package]:
    magic, _, _, pages = struct.unpack("<4sIII", file.read(16))
    if magic != _NDB_MAGIC or pages > 4096:
        raise ValueError("not a Packages.db")
    file.seek(0)
    slots = file.read(pages * _NDB_PAGE)
    for at in range(2 * _NDB_BLOCK, len(slots), _NDB_BLOCK):
        slot, package, block, count = struct.unpack_from("<4sIII", slots, at)
        if slot != _NDB_SLOT or not block or not package:
            continue
        file.seek(block * _NDB_BLOCK)
        blob, owner, _, size = struct.unpack("<4sIII", file.read(16))
        if blob != _NDB_BLOB or owner != package or size > count * _NDB_BLOCK:
            raise ValueError("a package lies where none is")
        yield from _rpm_header(file.read(size))


def _rpm_header(blob: bytes) -> Iterator[Package]:
    entries, data_bytes = struct.unpack_from(">II", blob)
    data = 8 + 16 * entries
    if entries > _MAX_HEADER_ENTRIES or data + data_bytes > len(blob):
        raise ValueError("a header is longer than its blob")
    found: dict[str, str] = {}
    for at in range(8, data, 16):
        tag, kind, offset, _ = struct.unpack_from(">IIiI", blob, at)
        if (name := _TAGS.get(tag)) is None or offset < 0:
            continue
        if kind == _INT32:
            found[name] = str(struct.unpack_from(">I", blob, data + offset)[0])
        elif kind in {_STRING, _I18N}:
            found[name] = blob[data + offset : blob.index(b"\0", data + offset)].decode("utf-8", "replace")
    if found.get("name", "gpg-pubkey") != "gpg-pubkey":
        epoch = f"{found['epoch']}:" if found.get("epoch", "0") != "0" else ""
        version = f"{epoch}{found.get('version', '')}-{found.get('release', '')}"
        yield Package("rpm", found["name"], version, found.get("arch", ""), found.get("license", ""))
