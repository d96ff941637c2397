"""Layers of container images for tests, made of files in memory."""

from __future__ import annotations

import gzip
import io
import sqlite3
import struct
import tarfile
import tempfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DPKG = """Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u8
Description: C library
 Version: not this one

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0
"""
APK = """C:Q1abc
P:musl
V:1.2.5-r0
A:x86_64
L:MIT

P:zlib
V:1.3.1-r1
A:x86_64
L:Zlib
"""


def tar_of(files: Mapping[str, bytes | str], *, kind: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a plain tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def layer_of(files: Mapping[str, bytes | str]) -> bytes:
    """Return a gzipped layer."""
    return gzip.compress(tar_of(files), mtime=0)


def rpm_header(
    name: str, version: str, release: str, *, licence: str = "MIT", arch: str = "x86_64", epoch: int = 0
) -> bytes:
    """Return a package's header as rpm's databases hold it."""
    data = b""
    entries = []
    for tag, text in ((1000, name), (1001, version), (1002, release), (1014, licence), (1022, arch)):
        entries.append(struct.pack(">IIiI", tag, 6, len(data), 1))
        data += text.encode() + b"\0"
    data += bytes(-len(data) % 4)
    entries.append(struct.pack(">IIiI", 1003, 4, len(data), 1))
    data += struct.pack(">I", epoch)
    return struct.pack(">II", len(entries), len(data)) + b"".join(entries) + data


def rpm_sqlite(*headers: bytes) -> bytes:
    """Return rpmdb.sqlite."""
    with tempfile.NamedTemporaryFile() as file:
        database = sqlite3.connect(file.name)
        database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
        database.executemany("INSERT INTO Packages (blob) VALUES (?)", [(header,) for header in headers])
        database.commit()
        database.close()
        file.seek(0)
        return file.read()


def rpm_ndb(*headers: bytes) -> bytes:
    """Return Packages.db."""
    slots = [struct.pack("<4sIII", b"RpmP", 0, 1, 1), struct.pack("<IIII", len(headers) + 1, 0, 0, 0)]
    blobs, block = b"", 4096 // 16
    for number, header in enumerate(headers, start=1):
        blob = struct.pack("<4sIII", b"BlbS", number, 1, len(header)) + header
        blob += bytes(-(len(blob) + 12) % 16)
        blob += struct.pack("<II4s", zlib.adler32(blob), len(header), b"BlbE")
        slots.append(struct.pack("<4sIII", b"Slot", number, block, len(blob) // 16))
        block += len(blob) // 16
        blobs += blob
    slots += [struct.pack("<4sIII", b"Slot", 0, 0, 0)] * (256 - len(slots))
    return b"".join(slots) + blobs


def rpm_berkeley(*headers: bytes, order: str = "<") -> bytes:
    """Return Packages, a hash of one bucket: what is long in overflow pages, what is short beside its key."""
    size, overflow = 4096, []
    items = [b"\x01" + bytes(4), b"\x01" + struct.pack(f"{order}I", len(headers) + 1)]
    for number, header in enumerate(headers, start=1):
        items.append(b"\x01" + struct.pack(f"{order}I", number))
        if len(header) <= size // 4:
            items.append(b"\x01" + header)
            continue
        first, pieces = 2 + len(overflow), [header[at : at + size - 26] for at in range(0, len(header), size - 26)]
        items.append(struct.pack(f"{order}BxxxII", 3, first, len(header)))
        for at, piece in enumerate(pieces, start=first):
            following = at + 1 if at + 1 < first + len(pieces) else 0
            head = struct.pack(f"{order}8xIIIHHBB", at, 0, following, 1, len(piece), 0, 7)
            overflow.append((head + piece).ljust(size, b"\0"))
    starts = [size - sum(map(len, items[: count + 1])) for count in range(len(items))]
    bucket = struct.pack(f"{order}8xIIIHHBB{len(items)}H", 1, 0, 0, len(items), starts[-1], 0, 13, *starts)
    bucket += bytes(size - len(bucket) - sum(map(len, items))) + b"".join(reversed(items))
    meta = struct.pack(f"{order}8xIIIIBBBBII", 0, 0x061561, 9, size, 0, 8, 0, 0, 0, 1 + len(overflow))
    return b"".join([meta.ljust(size, b"\0"), bucket, *overflow])
