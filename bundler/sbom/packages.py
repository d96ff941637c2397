"""Read the package databases of dpkg, apk and rpm. Layer: sbom; sqlite needs a temporary file.

Source: deb-control(5), dpkg's status file; wiki.alpinelinux.org, "Apk spec"; for rpm see the modules of its kinds.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import IO, Final

from bundler.model.lean import dataclass
from bundler.sbom.rpm_berkeley import read_berkeley
from bundler.sbom.rpm_header import read_header
from bundler.sbom.rpm_ndb import read_ndb

MAX_PACKAGES: Final = 100_000
_MAX_LINE_BYTES = 64 * 1024
"""Longer lines (lists of files, in dpkg's status) are read in pieces: only their beginning is checked."""
_MAX_LINES = 4_000_000
"""Of apk's list, which names every file, a large image has 500,000."""
_MAX_FIELD_CHARS = 2000

_FIELDS: Final = frozenset({"Package", "Status", "Version", "Architecture", "P", "V", "A", "L"})


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


def read_database(path: str, file: IO[bytes], *, max_packages: int = MAX_PACKAGES) -> list[Package]:
    """Read one database; what it is follows from its path in the image.

    Args:
        path: in the image.
        file: open for reading.
        max_packages: larger databases are refused.

    Raises:
        UnreadableError: when it is damaged, or lists more than ``max_packages``.
    """
    file.seek(0)
    try:
        found = list(islice(_reader(path)(file), max_packages + 1))
    except (struct.error, IndexError) as error:
        raise UnreadableError(f"{path}: damaged: it is cut short") from error
    except ValueError as error:
        raise UnreadableError(f"{path}: damaged: {error}") from error
    if len(found) > max_packages:
        raise UnreadableError(f"{path}: its layer lists more than {MAX_PACKAGES} packages")
    return found


def _reader(path: str) -> Callable[[IO[bytes]], Iterator[Package]]:
    if "/dpkg/" in path:
        return _dpkg
    if "/apk/" in path:
        return _apk
    return partial(_rpm, _rpm_kind(path))


def read_distribution(file: IO[bytes]) -> str:
    """Return ``debian-12``, as os-release says it; empty where it does not."""
    file.seek(0)
    text = file.read(_MAX_LINE_BYTES).decode("utf-8", "replace")
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    said = {key.strip(): value.strip().strip("\"'")[:_MAX_FIELD_CHARS] for key, _, value in pairs}
    return "-".join(part for part in (said.get("ID", ""), said.get("VERSION_ID", "")) if part)


def _dpkg(file: IO[bytes]) -> Iterator[Package]:
    for fields in _paragraphs(file):
        # Files in status.d (distroless) have no Status; they are there because it is installed.
        if fields.get("Package") and fields.get("Status", "install ok installed").endswith(" installed"):
            yield Package("deb", fields["Package"], fields.get("Version", ""), fields.get("Architecture", ""))


def _apk(file: IO[bytes]) -> Iterator[Package]:
    for fields in _paragraphs(file):
        if fields.get("P"):
            yield Package("apk", fields["P"], fields.get("V", ""), fields.get("A", ""), fields.get("L", ""))


def _paragraphs(file: IO[bytes]) -> Iterator[Mapping[str, str]]:
    """Yield groups of ``key: value`` lines; the first value of a key counts, continued lines are passed over."""
    fields: dict[str, str] = {}
    for count, raw in enumerate(iter(partial(file.readline, _MAX_LINE_BYTES), b""), start=1):
        if count > _MAX_LINES:
            raise ValueError(f"it has more than {_MAX_LINES} lines")
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not line.strip():
            yield fields
            fields = {}
        elif not line[0].isspace():
            key, _, value = line.partition(":")
            if key in _FIELDS:
                fields.setdefault(key, value.strip()[:_MAX_FIELD_CHARS])
    yield fields


def _rpm_kind(path: str) -> Callable[[IO[bytes]], Iterator[bytes]]:
    """Return what reads headers out of one kind of rpm's databases."""
    if path.endswith("rpmdb.sqlite"):
        try:
            from bundler.sbom.rpm_sqlite import read_sqlite  # noqa: PLC0415 - Python may be built without sqlite
        except ImportError as error:
            raise UnreadableError(f"{path}: this Python has no sqlite library") from error
        return read_sqlite
    return read_ndb if path.endswith("Packages.db") else read_berkeley


def _rpm(read: Callable[[IO[bytes]], Iterator[bytes]], file: IO[bytes]) -> Iterator[Package]:
    for blob in read(file):
        found = read_header(blob)
        # Keys that signatures are checked by are kept as if they were packages.
        if found.get("name", "gpg-pubkey") != "gpg-pubkey":
            epoch = f"{found['epoch']}:" if found.get("epoch", "0") != "0" else ""
            version = f"{epoch}{found.get('version', '')}-{found.get('release', '')}"
            yield Package(
                "rpm", found["name"], version, found.get("arch", ""), found.get("license", "")[:_MAX_FIELD_CHARS]
            )
