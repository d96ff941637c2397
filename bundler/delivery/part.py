"""The head of one part of a split delivery. Layer: delivery, pure."""

from __future__ import annotations

import re
from typing import Final

from bundler.model.digest import Digest, digest_of
from bundler.model.lean import dataclass

PART_HEADER_BYTES: Final = 512
PART_MAGIC: Final = b"bundler-part v1\n"
MAX_PARTS: Final = 10_000
_TEXT = re.compile(
    rb"bundler-part v1\n"
    rb"build: (?P<build>sha256:[0-9a-f]{64})\n"
    rb"part: (?P<number>\d{1,5}) of (?P<count>\d{1,5})\n"
    rb"bytes: (?P<payload>\d{1,16}) of (?P<total>\d{1,16}) in parts of (?P<part>\d{1,16})\n"
    rb"payload: (?P<digest>sha256:[0-9a-f]{64})\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartHeader:
    """What a part says about itself."""

    build: Digest
    """Build id of the delivery: the digest of its index."""
    number: int
    """From 1."""
    count: int
    payload_bytes: int
    part_bytes: int
    """Payload of every part but the last."""
    total_bytes: int
    payload: Digest
    """Of this part's payload: names the bad part, where a blob is in several."""


def encode_part(header: PartHeader) -> bytes:
    """Return the block that stands before a part's payload."""
    text = (
        f"bundler-part v1\nbuild: {header.build}\npart: {header.number} of {header.count}\n"
        f"bytes: {header.payload_bytes} of {header.total_bytes} in parts of {header.part_bytes}\n"
        f"payload: {header.payload}\n"
    ).encode()
    return (text + f"head: {digest_of(text)}\n".encode()).ljust(PART_HEADER_BYTES, b"\0")


def decode_part(block: bytes) -> PartHeader:
    """Read the head of a part.

    Raises:
        ValueError: when it is not exactly what :func:`encode_part` makes.
    """
    match = _TEXT.match(block)
    if match is None:
        raise ValueError("it is not a head of a part")
    header = PartHeader(
        build=Digest(match["build"].decode()),
        number=int(match["number"]),
        count=int(match["count"]),
        payload_bytes=int(match["payload"]),
        part_bytes=int(match["part"]),
        total_bytes=int(match["total"]),
        payload=Digest(match["digest"].decode()),
    )
    if encode_part(header) != block:
        raise ValueError("it does not fit its own checksum")
    if problem := _problem(header):
        raise ValueError(problem)
    return header


def split_sizes(total_bytes: int, part_bytes: int) -> list[int]:
    """Return the payload sizes of all parts."""
    whole, rest = divmod(total_bytes, part_bytes)
    return [part_bytes] * whole + ([rest] if rest else [])


def _problem(header: PartHeader) -> str:
    if not 1 <= header.number <= header.count <= MAX_PARTS or header.part_bytes < 1:
        return "its numbers are out of bounds"
    # Counted without a list: what a head claims may be far larger than what there is.
    count = -(-header.total_bytes // header.part_bytes)
    last = header.total_bytes - (header.count - 1) * header.part_bytes
    expected = header.part_bytes if header.number < header.count else last
    if count != header.count or header.payload_bytes != expected:
        return "its sizes do not fit each other"
    return ""
