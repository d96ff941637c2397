"""Find the package databases in a layer. Layer: sbom; keeps one database at a time in a temporary file.

A layer that cannot be read is not a failure: what is found says what was not read, and why.
Source: OCI image-spec, layer.md, "Whiteouts".
"""

from __future__ import annotations

import posixpath
import re
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Final

from bundler.model.image_build import EntryKind, Placed
from bundler.model.size import counted, shortened, shown_bytes
from bundler.sbom.layer import Found, LayerContent, decode_question, encode_layer
from bundler.sbom.packages import MAX_PACKAGES, UnreadableError, read_database, read_distribution
from bundler.syntax.tar import TarEntry, TarKind, TarReader
from bundler.syntax.unpack import NoZstdError, unpack

_RPM_FOLDERS: Final = ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
_RPM_FILES: Final = ("rpmdb.sqlite", "Packages.db", "Packages")
_RELEASES: Final = frozenset({"etc/os-release", "usr/lib/os-release"})
_STATUS_FOLDER: Final = "var/lib/dpkg/status.d"
_PLACES: Final = frozenset(
    {"var/lib/dpkg/status", _STATUS_FOLDER, "lib/apk/db/installed", "usr/lib/apk/db/installed"}
    | {f"{folder}/{name}" for folder in _RPM_FOLDERS for name in _RPM_FILES}
    | _RELEASES
)
_ABOVE: Final = frozenset(
    "/".join(parts[:depth]) for parts in (place.split("/") for place in _PLACES) for depth in range(1, len(parts) + 1)
)
"""The places and every folder on the way there."""
_IN_STATUS_FOLDER: Final = re.compile(rf"{re.escape(_STATUS_FOLDER)}/[^/]+")
_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
_MAX_BYTES: Final = 512 * 1024 * 1024
"""Of all databases of one layer together."""
_MAX_FILES: Final = 10_000
_MAX_HIDDEN: Final = 100_000
_MAX_UNPACKED_BYTES: Final = 64 * 1024 * 1024 * 1024
_IN_MEMORY_BYTES: Final = 1024 * 1024
_MAX_NAME_CHARS: Final = 200


def scan_layer(pieces: Iterable[bytes]) -> bytes:
    """Return what a layer holds, encoded; a child process is started for this."""
    places, layer = decode_question(iter(pieces))
    return encode_layer(read_layer(layer, places=places))


def read_layer(pieces: Iterable[bytes], *, places: frozenset[str] = frozenset()) -> LayerContent:
    """Return what a layer holds.

    Args:
        pieces: of the layer, packed as it is.
        places: paths of which it is said, besides packages, what is there.
    """
    scan = _Scan(places)
    try:
        scan.run(TarReader(_bounded(unpack(pieces))))
    except ValueError as error:
        return scan.content(str(error))
    except NoZstdError:
        return scan.content("it is packed by zstd, and this Python has no zstd library")
    return scan.content()


def _bounded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    room = _MAX_UNPACKED_BYTES
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            raise ValueError(f"it unpacks to more than {shown_bytes(_MAX_UNPACKED_BYTES)}")
        yield piece


class _Scan:
    """Goes through one layer."""

    def __init__(self, places: frozenset[str]) -> None:
        self._places = places
        self._placed: dict[str, Placed] = {}
        self._found: dict[str, Found] = {}
        self._hidden: set[str] = set()
        self._room_bytes, self._room_packages = _MAX_BYTES, MAX_PACKAGES

    def run(self, tar: TarReader) -> None:
        """Take every entry."""
        for entry in tar.entries():
            path = _plain(entry.name)
            folder, _, base = path.rpartition("/")
            if path in self._places:
                self._placed[path] = _placed(entry)
            if base == _OPAQUE:
                self._hide(folder)
            elif base.startswith(_WHITEOUT):
                self._hide(_plain(f"{folder}/{base.removeprefix(_WHITEOUT)}"))
            elif path in _ABOVE or _IN_STATUS_FOLDER.fullmatch(path):
                self._take(path, entry, tar)

    def content(self, problem: str = "") -> LayerContent:
        """Return what was found so far."""
        hidden = frozenset(self._hidden)
        return LayerContent(found=self._found, placed=self._placed, hidden=hidden, problem=problem)

    def _hide(self, path: str) -> None:
        # "" is the root: nothing at all is left of the layers below.
        if len(self._hidden) >= _MAX_HIDDEN:
            raise ValueError(f"it removes more than {counted(_MAX_HIDDEN, 'path')}")
        self._hidden.add(path)

    def _take(self, path: str, entry: TarEntry, tar: TarReader) -> None:
        """Read what is at the place of a database, or says what is there instead."""
        if entry.kind is TarKind.FOLDER:
            return
        is_database = path not in _ABOVE or path in _PLACES - {_STATUS_FOLDER}
        if not is_database:
            self._hide(path)  # what was a folder below is one no more
        if len(self._found) >= _MAX_FILES:
            raise ValueError(f"it holds more than {counted(_MAX_FILES, 'package database')}")
        self._found.pop(path, None)
        if entry.kind is TarKind.LINK:
            if not _leads_to_places(path, entry):
                target = shortened(_shown(entry.target), _MAX_NAME_CHARS)
                self._found[path] = Found(problem=f"{_shown(path)}: it is a link to {target}, which is not followed")
        elif entry.kind is not TarKind.FILE:
            self._found[path] = Found(problem=f"{_shown(path)}: it is not a file")
        elif is_database and not path.endswith(".md5sums"):
            self._found[path] = self._read(path, entry.size, tar)

    def _read(self, path: str, size: int, tar: TarReader) -> Found:
        if size > self._room_bytes:
            return Found(problem=f"{_shown(path)}: the databases of its layer have more than {shown_bytes(_MAX_BYTES)}")
        self._room_bytes -= size
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as file:
            for piece in tar.content():
                file.write(piece)
            return self._parse(path, file)

    def _parse(self, path: str, file: IO[bytes]) -> Found:
        if path in _RELEASES:
            return Found(distribution=read_distribution(file))
        try:
            packages = read_database(_shown(path), file, max_packages=self._room_packages)
        except UnreadableError as error:
            return Found(problem=str(error))
        self._room_packages -= len(packages)
        return Found(packages=tuple(packages))


def _placed(entry: TarEntry) -> Placed:
    uid, gid = entry.owner
    if entry.kind is TarKind.LINK and not entry.is_hard_link:
        return Placed(kind=EntryKind.LINK, target=shortened(_shown(entry.target), _MAX_NAME_CHARS))
    kind = EntryKind.FOLDER if entry.kind is TarKind.FOLDER else EntryKind.FILE
    return Placed(kind=kind, mode=entry.mode & 0o7777, uid=uid, gid=gid)


def _plain(name: str) -> str:
    """Return a name as the file system takes it: ``lib/./dpkg`` and ``lib/x/../dpkg`` are ``lib/dpkg``."""
    return posixpath.normpath(f"/{name}").lstrip("/")


def _shown(name: str) -> str:
    """Return a name that can be written down: what is not UTF-8 in it becomes a question mark."""
    return name.encode("utf-8", "replace").decode()


def _leads_to_places(path: str, entry: TarEntry) -> bool:
    """Return whether all that is looked for behind a link is found where it leads, as ``lib`` leads to ``usr/lib``."""
    above = "" if entry.is_hard_link else posixpath.dirname(path)
    target = _plain(posixpath.join(f"/{above}", entry.target))
    behind = [place.removeprefix(path) for place in _PLACES if place == path or place.startswith(f"{path}/")]
    return bool(behind) and all(f"{target}{rest}" in _PLACES for rest in behind)
