"""Put signatures into an existing delivery: their place is fixed, nothing moves. Layer: delivery; local files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bundler.delivery.envelopes import signature_region
from bundler.delivery.part import PART_HEADER_BYTES, encode_part
from bundler.delivery.placement import BLOCK
from bundler.delivery.reader import Delivery
from bundler.errors.delivery import DeliveryError
from bundler.errors.disk import hint_to_write
from bundler.model.digest import Digest
from bundler.model.lean import replace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bundler.delivery.pieces import Part
    from bundler.model.trust import Envelope


def replace_signatures(paths: Sequence[Path], envelopes: Sequence[Envelope]) -> None:
    """Write ``envelopes`` as the signatures of a delivery.

    Raises:
        DeliveryError: when it cannot be read or written, or when there are too many signatures.
    """
    with Delivery.open(*paths) as delivery:
        doing = f"signing {delivery.name}"
        try:
            region = signature_region(envelopes)
        except ValueError as error:
            raise DeliveryError(doing, context=[str(error)], hint="remove signatures that no one needs") from error
        at = 2 * BLOCK + len(delivery.raw_index)
        parts = delivery.pieces.parts_between(at, at + len(region))
        try:
            if not parts:
                _write(delivery.name, [(at, region)])
            for part in parts:
                _write_part(delivery, part, at, region)
        except OSError as error:
            found = f"{error.filename or delivery.name}: {error.strerror or error}"
            raise DeliveryError(
                doing, context=[found], hint=hint_to_write(error, "sign a copy that you can write to")
            ) from error


def _write_part(delivery: Delivery, part: Part, at: int, region: bytes) -> None:
    """Write what of the region is in one part, and that part's checksum."""
    start, end = max(at, part.start), min(at + len(region), part.start + part.header.payload_bytes)
    _write(str(part.path), [(PART_HEADER_BYTES + start - part.start, region[start - at : end - at])])
    header = replace(part.header, payload=Digest(delivery.payload_of(part.start, part.header)))
    _write(str(part.path), [(0, encode_part(header))])


def _write(path: str, pieces: Sequence[tuple[int, bytes]]) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        for at, content in pieces:
            os.pwrite(fd, content, at)
        os.fsync(fd)
    finally:
        os.close(fd)
