"""Look for package databases in a layer while it is written elsewhere. Layer: sbom; uses temporary files."""

from __future__ import annotations

import importlib
import re
import zlib
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from bundler.sbom.tar_stream import TarStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DATABASES: Final = re.compile(
    r"(var/lib/dpkg/status|var/lib/dpkg/status\.d/[^/]+|(usr/)?lib/apk/db/installed"
    r"|(var/lib/rpm|usr/lib/sysimage/rpm|usr/share/rpm)/(rpmdb\.sqlite|Packages\.db|Packages)"
    r"|(etc|usr/lib)/os-release)"
)
WHITEOUT: Final = ".wh."
OPAQUE: Final = ".wh..wh..opq"
_MAX_DATABASE_BYTES: Final = 512 * 1024 * 1024
"""Of all databases of one layer together."""
_MAX_NAMES: Final = 100_000
_MAX_UNPACKED_BYTES: Final = 256 * 1024 * 1024 * 1024
_CHUNK_BYTES: Final = 1024 * 1024
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_MODULES = ("compression.zstd", "backports.zstd")
"""Of Python 3.14, and the same for older ones."""


class _Decompressor(Protocol):
    """Turns packed pieces into plain ones of bounded size."""

    def __call__(self, piece: bytes) -> Iterator[bytes]: ...


class LayerScan:
    """Takes a layer's bytes as they pass, and keeps its package databases.

    A layer that cannot be read is no failure: ``problem`` says why, and the layer travels all the same.
    """

    def __init__(self) -> None:
        self._tar = TarStream(_is_wanted, max_kept_bytes=_MAX_DATABASE_BYTES, max_names=_MAX_NAMES)
        self._unpack: _Decompressor | None = None
        self._head = b""
        self._unpacked = 0
        self.problem = ""

    @property
    def files(self) -> Mapping[str, IO[bytes]]:
        """Databases by their path in the image."""
        return self._tar.files

    def hides(self, path: str) -> bool:
        """Tell whether this layer takes away what layers below it hold at ``path``."""
        folders = path.split("/")
        above = {"/".join([*folders[:depth], f"{WHITEOUT}{folders[depth]}"]) for depth in range(len(folders))}
        opaque = {"/".join([*folders[:depth], OPAQUE]) for depth in range(len(folders))}
        return not (above | opaque).isdisjoint(self._tar.names)

    def watch(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the pieces on, looking into them."""
        for piece in pieces:
            yield piece
            self.feed(piece)

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the layer, packed as it is."""
        if self.problem:
            return
        try:
            if self._unpack is None:
                self._head += piece
                if len(self._head) < len(_ZSTD):
                    return
                self._unpack, piece = _decompressor(self._head), self._head
            for plain in self._unpack(piece):
                self._unpacked += len(plain)
                if self._unpacked > _MAX_UNPACKED_BYTES:
                    self._give_up("it unpacks to more than is looked through")
                    return
                self._tar.feed(plain)
        except (ValueError, zlib.error) as error:
            self._give_up(str(error))
        except _NoZstdError:
            self._give_up("it is packed by zstd, and this Python has no zstd library")

    def close(self) -> None:
        """Drop what was kept."""
        self._tar.close()

    def _give_up(self, problem: str) -> None:
        self.problem = problem
        self._head = b""


class _NoZstdError(Exception):
    """No library for zstd is there."""


def _is_wanted(name: str) -> bool:
    base = name.rpartition("/")[2]
    return base.startswith(WHITEOUT) or DATABASES.fullmatch(name) is not None


def _decompressor(head: bytes) -> _Decompressor:
    if head.startswith(_GZIP):
        return _Gunzip()
    return _Unzstd() if head.startswith(_ZSTD) else _plain


def _plain(piece: bytes) -> Iterator[bytes]:
    yield piece


class _Gunzip:
    """gzip, of any number of members."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def __call__(self, piece: bytes) -> Iterator[bytes]:
        """Yield what ``piece`` unpacks to."""
        while piece:
            if self._inner.eof:
                self._inner = zlib.decompressobj(wbits=31)
            yield self._inner.decompress(piece, _CHUNK_BYTES)
            piece = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail


class _Unzstd:
    """zstd, of any number of frames; those without content (zstd:chunked has some) are passed over by the library.

    The library holds the window alone: 8 MiB at most where nobody asked for more, and never above 128 MiB.
    """

    def __init__(self) -> None:
        self._library = _zstd_library()
        self._inner = self._library.ZstdDecompressor()

    def __call__(self, piece: bytes) -> Iterator[bytes]:
        """Yield what ``piece`` unpacks to."""
        try:
            while piece:
                if self._inner.eof:
                    self._inner = self._library.ZstdDecompressor()
                yield self._inner.decompress(piece, _CHUNK_BYTES)
                while not self._inner.eof and not self._inner.needs_input:
                    yield self._inner.decompress(b"", _CHUNK_BYTES)
                piece = self._inner.unused_data if self._inner.eof else b""
        except self._library.ZstdError as error:
            msg = f"it is damaged: {error}"
            raise ValueError(msg) from error


def _zstd_library() -> Any:
    for name in _ZSTD_MODULES:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise _NoZstdError
