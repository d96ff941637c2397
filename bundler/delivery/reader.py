"""Read a delivery: what stands where is computed, never believed. Layer: delivery; reads local files.

The raw index and the signatures are handed out before anything of the index is parsed, so that a reader can ask for
the signature first. The file is opened for reading alone and never extracted.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

from bundler.delivery.envelopes import REGION_BYTES, decode_envelopes
from bundler.delivery.index import MAX_INDEX_BYTES, REGION_STEP, decode_index
from bundler.delivery.pieces import HINT_COPY, SplitFile, open_pieces
from bundler.delivery.placement import BLOCK, INDEX_NAME, SIGNATURES_NAME, header, place, size_in
from bundler.errors.delivery import DeliveryDamagedError, DeliveryError
from bundler.model.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bundler.delivery.part import PartHeader
    from bundler.delivery.pieces import Pieces
    from bundler.delivery.placement import Entry, Placement
    from bundler.model.delivery import DeliveryIndex
    from bundler.model.digest import Digest
    from bundler.model.trust import Envelope

CHUNK_BYTES: Final = 256 * 1024
"""Small enough to stay in a core's cache between reading and hashing."""
MAX_SMALL_BYTES: Final = 64 * 1024 * 1024


class Delivery:
    """An open delivery file. Safe to use from several threads."""

    def __init__(self, pieces: Pieces) -> None:
        self.pieces = pieces
        self.name = pieces.name
        self.raw_index = self._read_index()
        self.build_id: Digest = digest_of(self.raw_index)
        if isinstance(pieces, SplitFile) and pieces.build_id != self.build_id:
            raise self.damaged("its index is not the one that its parts were made with", self._index_range())

    @classmethod
    def open(cls, *paths: Path) -> Self:
        """Open a delivery: its one file, any one of its parts or all, or the name that its parts share.

        Raises:
            PartMissingError, ForeignPartError: about parts.
            DeliveryDamagedError: when the file does not begin as a delivery does.
            DeliveryError: when it cannot be read, or is something else.
        """
        pieces = open_pieces(paths)
        try:
            return cls(pieces)
        except BaseException:
            pieces.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self.pieces.close()

    @cached_property
    def envelopes(self) -> tuple[Envelope, ...]:
        """The signatures.

        Raises:
            DeliveryDamagedError: when they are damaged.
        """
        at = BLOCK + len(self.raw_index)
        block = self.read_at(at, BLOCK + REGION_BYTES)
        if block[:BLOCK] != header(SIGNATURES_NAME, REGION_BYTES):
            raise self.damaged(f"the header of {SIGNATURES_NAME} is not what it must be", (at, at + BLOCK))
        try:
            return decode_envelopes(block[BLOCK:])
        except ValueError as error:
            raise self.damaged(f"{SIGNATURES_NAME}: {error}", (at, at + len(block))) from error

    @cached_property
    def index(self) -> DeliveryIndex:
        """The index, parsed.

        Raises:
            DeliveryDamagedError: when it is none.
        """
        try:
            return decode_index(self.raw_index)
        except ValueError as error:
            raise self.damaged(f"{INDEX_NAME}: {error}", self._index_range()) from error

    @cached_property
    def placement(self) -> Placement:
        """Where everything stands."""
        return place(self.index)

    @cached_property
    def entries(self) -> dict[Digest, Entry]:
        """The entries of stored blobs by digest."""
        return {entry.blob.digest: entry for entry in self.placement.blobs if entry.blob is not None}

    def has(self, digest: str) -> bool:
        """Return whether the file itself holds a blob."""
        return digest in self.entries

    def read(self, digest: Digest, *, max_bytes: int = MAX_SMALL_BYTES) -> bytes:
        """Return a blob whole, its digest checked.

        Raises:
            DeliveryDamagedError: when its bytes are not those of its digest.
            DeliveryError: when it is larger than ``max_bytes``, or not in this file.
        """
        entry = self._entry(digest)
        if entry.size > max_bytes:
            found = f"{digest} has {entry.size} bytes, and {max_bytes} are the limit"
            raise DeliveryError(f"reading {self.name}", context=[found], hint="use a delivery that bundler wrote")
        content = self.read_at(entry.content_at, entry.size)
        if digest_of(content) != digest:
            raise self.damaged(f"blob {digest} is damaged", (entry.content_at, entry.end_at))
        return content

    def chunks(self, digest: Digest, offset: int = 0) -> Iterator[bytes]:
        """Yield a blob from ``offset`` to its end; digests are checked by the caller that keeps the bytes.

        Raises:
            DeliveryError: when it is not in this file.
            DeliveryDamagedError: when the file ends too early.
        """
        entry = self._entry(digest)
        at, end = entry.content_at + offset, entry.content_at + entry.size
        while at < end:
            count = min(CHUNK_BYTES, end - at)
            yield self.read_at(at, count)
            at += count

    def hash(self, entry: Entry, buffer: bytearray, moved: Callable[[int], None]) -> str:
        """Return the digest of an entry's content, read through ``buffer``; ``moved`` hears how many bytes went by.

        Args:
            entry: of the index.
            buffer: to read into.
            moved: called with the number of bytes after each step.
        """
        return self._hashed(entry.content_at, entry.content_at + entry.size, buffer, moved)

    def _hashed(self, at: int, end: int, buffer: bytearray, moved: Callable[[int], None] = lambda _: None) -> str:
        hasher, view = hashlib.sha256(), memoryview(buffer)
        while at < end:
            piece = view[: min(len(buffer), end - at)]
            count = self.pieces.read_into(at, piece)
            if count == 0:
                break
            hasher.update(piece[:count])
            at += count
            moved(count)
        return f"sha256:{hasher.hexdigest()}"

    def read_at(self, offset: int, count: int) -> bytes:
        """Return ``count`` bytes.

        Raises:
            DeliveryDamagedError: when the file ends before.
        """
        buffer = bytearray(count)
        try:
            done = self.pieces.read_into(offset, memoryview(buffer))
        except OSError as error:
            found = f"{self.name}: {error.strerror or error}"
            raise DeliveryError(f"reading {self.name}", context=[found], hint="check the disk") from error
        if done < count:
            raise self.damaged("it ends too early", (offset, offset + count))
        return bytes(buffer)

    def damaged(self, problem: str, where: tuple[int, int]) -> DeliveryDamagedError:
        """Return the error that names what is wrong, and in which parts."""
        found = [f"{self.name}: {problem}", *self.parts_at(where)]
        return DeliveryDamagedError(f"reading {self.name}", context=found, hint=HINT_COPY)

    def parts_at(self, where: tuple[int, int]) -> list[str]:
        """Return which parts hold a range; where it is in several, those whose own checksum does not fit."""
        parts = self.pieces.parts_between(*where)
        bad = [
            part for part in parts if len(parts) == 1 or self.payload_of(part.start, part.header) != part.header.payload
        ]
        return [f"in part {part.path}" for part in (bad or parts)]

    def payload_of(self, start: int, said: PartHeader) -> str:
        """Return the digest of a part's payload as it is there."""
        return self._hashed(start, start + said.payload_bytes, bytearray(CHUNK_BYTES))

    def _entry(self, digest: Digest) -> Entry:
        if (entry := self.entries.get(digest)) is not None:
            return entry
        base = self.index.base
        why = f"{digest} is in its base {base.name} {base.version}" if base else f"it holds no blob {digest}"
        hint = "name the file it builds on with --base" if base else "name the delivery that holds it"
        raise DeliveryError(f"reading {self.name}", context=[why], hint=hint)

    def _index_range(self) -> tuple[int, int]:
        return 0, BLOCK + len(self.raw_index)

    def _read_index(self) -> bytes:
        buffer = bytearray(BLOCK)
        count = self.pieces.read_into(0, memoryview(buffer))
        head = bytes(buffer[:count])
        if head[: len(INDEX_NAME) + 1] != INDEX_NAME.encode() + b"\0":
            found = f"{self.name} does not begin with {INDEX_NAME}: not a delivery, or its first bytes are damaged"
            raise DeliveryDamagedError(f"opening {self.name}", context=[found], hint=HINT_COPY)
        try:
            size = size_in(head)
        except ValueError:
            size = -1
        is_possible = 0 < size <= MAX_INDEX_BYTES and size % REGION_STEP == 0
        if not is_possible or head != header(INDEX_NAME, size):
            raise self.damaged(f"the header of {INDEX_NAME} is not what it must be", (0, BLOCK))
        return self.read_at(BLOCK, size)
