"""Check a delivery: every byte of it, or some of its blobs. Layer: delivery; reads local files, hashes in threads."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final

from bundler.concurrency import map_parallel
from bundler.delivery.pieces import HINT_COPY
from bundler.delivery.reader import CHUNK_BYTES
from bundler.errors.delivery import DeliveryDamagedError
from bundler.model.delivery import BlobKind
from bundler.model.json import is_mapping, items_at, mapping_at, text_at
from bundler.model.oci import Descriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bundler.delivery.placement import Entry
    from bundler.delivery.reader import Delivery
    from bundler.model.digest import Digest

    Moved = Callable[[int], None]
    """Takes the number of bytes that were read since the last call."""

MAX_MANIFEST_BYTES: Final = 4 * 1024 * 1024
_MAX_THREADS = 8


def check_whole(delivery: Delivery, moved: Moved = lambda _: None) -> None:
    """Check that the file is exactly what its index says, byte for byte, and that the index says enough.

    Raises:
        DeliveryDamagedError: naming every damaged blob, and the parts they are in.
    """
    problems = [*_size_problems(delivery), *_frame_problems(delivery)]
    problems += _blob_problems(delivery, delivery.placement.blobs, moved)
    _ = delivery.envelopes
    _raise(delivery, problems)
    _raise(delivery, list(_missing(delivery)))


def check_size(delivery: Delivery) -> None:
    """Check that nothing is cut off and nothing was put behind: all that is known of a file without reading it.

    Raises:
        DeliveryDamagedError: when the file has another size than its index asks for.
    """
    _raise(delivery, list(_size_problems(delivery)))


def check_blobs(delivery: Delivery, digests: Iterable[Digest], moved: Moved = lambda _: None) -> None:
    """Check some blobs alone.

    Args:
        delivery: opened.
        digests: of the blobs to check.
        moved: called with the number of bytes after each step.

    Raises:
        DeliveryDamagedError: naming every damaged one.
    """
    entries = [delivery.entries[digest] for digest in digests if digest in delivery.entries]
    _raise(delivery, _blob_problems(delivery, entries, moved))


def _raise(delivery: Delivery, problems: Sequence[str]) -> None:
    if problems:
        raise DeliveryDamagedError(f"verifying {delivery.name}", context=problems, hint=HINT_COPY)


def _size_problems(delivery: Delivery) -> Iterator[str]:
    wanted = delivery.placement.total_bytes
    if delivery.pieces.size != wanted:
        yield f"{delivery.name} has {delivery.pieces.size} bytes, and its index asks for {wanted}"


def _frame_problems(delivery: Delivery) -> Iterator[str]:
    """Compare all that is not content with what it must be."""
    for at, wanted in delivery.placement.frame():
        buffer = bytearray(len(wanted))
        if delivery.pieces.read_into(at, memoryview(buffer)) != len(wanted) or buffer != wanted:
            parts = "".join(f", {part}" for part in delivery.parts_at((at, at + len(wanted))))
            yield f"{delivery.name}: bytes {at} to {at + len(wanted)} are not what the index asks for{parts}"


def _blob_problems(delivery: Delivery, entries: Sequence[Entry], moved: Moved) -> list[str]:
    """Hash entries in threads, the largest first; hashlib lets the others run meanwhile."""
    largest_first = sorted(entries, key=lambda entry: -entry.size)
    # A thread takes a share of small blobs at a time: a call for each of 10,000 would cost more than its hash.
    shares = [largest_first[start::_MAX_THREADS] for start in range(min(_MAX_THREADS, len(largest_first)))]
    found = map_parallel(lambda share: _damaged_of(delivery, share, moved), shares, at_once=os.cpu_count() or 1)
    return [problem for _, problem in sorted(problem for of_share in found for problem in of_share)]


def _damaged_of(delivery: Delivery, entries: Sequence[Entry], moved: Moved) -> list[tuple[int, str]]:
    buffer, found = bytearray(CHUNK_BYTES), []
    for entry in entries:
        if entry.blob is not None and delivery.hash(entry, buffer, moved) != entry.blob.digest:
            where = "".join(
                f", {part}" for part in delivery.parts_at((entry.content_at, entry.content_at + entry.size))
            )
            found.append((entry.header_at, f"{entry.blob.kind} {entry.blob.digest} is damaged{where}"))
    return found


def _missing(delivery: Delivery) -> Iterator[str]:
    """Name what manifests refer to and the index does not list: an image that could not be started."""
    sizes: dict[str, int] = {blob.digest: blob.size for blob in delivery.index.blobs}
    for blob in delivery.index.blobs:
        if blob.kind is BlobKind.MANIFEST:
            for digest, size in references(delivery.read(blob.digest, max_bytes=MAX_MANIFEST_BYTES)):
                if sizes.get(digest) != size:
                    yield f"manifest {blob.digest} needs {digest} of {size} bytes, which the index does not list"


def references(manifest: bytes) -> Iterator[tuple[str, int]]:
    """Yield digest and size of everything that a manifest or index needs.

    Layers that their makers keep elsewhere are left out, and so is what an index lists for no platform.
    """
    try:
        body = json.loads(manifest)
    except (ValueError, RecursionError):
        return
    if not is_mapping(body):
        return
    config = mapping_at(body, "config")
    for item in [*items_at(body, "manifests"), *([config] if config else []), *items_at(body, "layers")]:
        size = item.get("size")
        if not item.get("urls") and isinstance(size, int) and not Descriptor.from_json(item).is_extra:
            yield text_at(item, "digest"), size
