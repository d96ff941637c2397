"""Unpack gzip and zstd as they come in pieces. Layer: syntax, pure.

Nothing is trusted: what comes out comes in pieces of bounded size, the work grows with what goes in and comes out, and
what is damaged or cut short ends with a ValueError.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol

CHUNK_BYTES: Final = 1024 * 1024
"""The longest piece that comes out."""
_FIRST_BYTES: Final = 4096
"""What is left after a frame is copied by the libraries, so that a frame starts small and grows."""
_MAX_FRAMES: Final = 300_000
"""Layers made for lazy pulling have one for each file."""
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_MODULES = ("compression.zstd", "backports.zstd")
"""Of Python 3.14, and the same for older ones."""


class NoZstdError(Exception):
    """No library for zstd is installed."""


class _Frame(Protocol):
    """One gzip member or zstd frame."""

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """Yield what ``packed`` unpacks to."""
        ...

    def rest(self) -> bytes | None:
        """Return what was fed after the end of the frame, None before its end."""
        ...


def unpack(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what gzip or zstd unpacks to, and anything else as it is.

    Raises:
        ValueError: when it is damaged; NoZstdError: when it is zstd and there is no library for it.
    """
    source = iter(pieces)
    head = b""
    for piece in source:
        head += piece
        if len(head) >= len(_ZSTD):
            break
    everything = _with_head(head, source)
    if head.startswith(_GZIP):
        return gunzip(everything)
    return _unpack_frames(everything, _zstd_frames()) if head.startswith(_ZSTD) else everything


def gunzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what gzip of any number of members unpacks to.

    Raises:
        ValueError: when it is damaged, cut short or no gzip.
    """
    return _unpack_frames(pieces, _GzipMember)


def _with_head(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from rest


def _unpack_frames(pieces: Iterable[bytes], begin: Callable[[], _Frame]) -> Iterator[bytes]:
    frame: _Frame | None = None
    frames, step = 0, _FIRST_BYTES
    for piece in pieces:
        at = 0
        while at < len(piece):
            if frame is None:
                if frames and not piece[at]:
                    _check_padding(piece, at)
                    break
                frame, frames, step = begin(), frames + 1, _FIRST_BYTES
                if frames > _MAX_FRAMES:
                    raise ValueError(f"it is packed in more than {_MAX_FRAMES} pieces")
            part = piece[at : at + step]
            yield from frame.feed(part)
            rest = frame.rest()
            if rest is None:
                at, step = at + len(part), min(2 * step, CHUNK_BYTES)
            else:
                at, frame = at + len(part) - len(rest), None
    if frame is not None or not frames:
        raise ValueError("it is cut short")


def _check_padding(piece: bytes, at: int) -> None:
    """Zeros may fill up what follows the last frame, as on a tape; nothing may follow them."""
    if piece.count(0, at) != len(piece) - at:
        raise ValueError("something follows its end")


class _GzipMember:
    """One member of gzip; its checksum is verified by the library."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """Yield what ``packed`` unpacks to."""
        try:
            while True:
                plain = self._inner.decompress(packed, CHUNK_BYTES)
                packed = self._inner.unconsumed_tail
                if plain:
                    yield plain
                if self._inner.eof or (not packed and len(plain) < CHUNK_BYTES):
                    return
        except zlib.error as error:
            raise ValueError(str(error)) from error

    def rest(self) -> bytes | None:
        """Return what followed the member, None before its end."""
        return self._inner.unused_data if self._inner.eof else None


class _ZstdFrame:
    """One frame of zstd; those without content (zstd:chunked has some) are passed over by the library.

    The library holds the window alone: 8 MiB at most where nothing else was asked for, and never above 128 MiB.
    """

    def __init__(self, library: Any) -> None:
        self._inner, self._error = library.ZstdDecompressor(), library.ZstdError

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """Yield what ``packed`` unpacks to."""
        try:
            plain = self._inner.decompress(packed, CHUNK_BYTES)
            while plain or not (self._inner.eof or self._inner.needs_input):
                yield plain
                if self._inner.eof or self._inner.needs_input:
                    return
                plain = self._inner.decompress(b"", CHUNK_BYTES)
        except self._error as error:
            raise ValueError(str(error)) from error

    def rest(self) -> bytes | None:
        """Return what followed the frame, None before its end."""
        return self._inner.unused_data if self._inner.eof else None


def _zstd_frames() -> Callable[[], _Frame]:
    for name in _ZSTD_MODULES:
        try:
            library = importlib.import_module(name)
        except ImportError:
            continue
        return lambda: _ZstdFrame(library)
    raise NoZstdError
