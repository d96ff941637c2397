"""Where everything stands in a delivery file: a plain tar that follows from the index alone. Layer: delivery, pure.

Source: POSIX.1-2017, pax, "ustar Interchange Format"; sizes above 8 GiB in base 256 as GNU tar and star write them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.delivery.envelopes import REGION_BYTES
from bundler.delivery.index import region_size
from bundler.model.digits import parse_digits
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.delivery import Blob, DeliveryIndex
    from bundler.model.digest import Digest

BLOCK: Final = 512
END: Final = bytes(2 * BLOCK)
INDEX_NAME: Final = "index.json"
SIGNATURES_NAME: Final = "signatures.json"
_MAX_OCTAL = 8**11 - 1
_SIZE_AT = 124


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file in the tar."""

    name: str
    size: int
    """Bytes of its content."""
    header_at: int
    """Offset of its header."""
    blob: Blob | None = None

    @property
    def content_at(self) -> int:
        """Offset of its content."""
        return self.header_at + BLOCK

    @property
    def padding(self) -> int:
        """Zero bytes after its content, up to the next block."""
        return -self.size % BLOCK

    @property
    def end_at(self) -> int:
        """Offset of what follows."""
        return self.content_at + self.size + self.padding


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Every byte of a file that is not content of a blob, and where each blob goes."""

    entries: tuple[Entry, ...]

    @property
    def total_bytes(self) -> int:
        """Size of the whole file."""
        return self.entries[-1].end_at + len(END)

    @property
    def index(self) -> Entry:
        """The entry of the index."""
        return self.entries[0]

    @property
    def signatures(self) -> Entry:
        """The entry of the signatures."""
        return self.entries[1]

    @property
    def blobs(self) -> tuple[Entry, ...]:
        """The entries of blobs."""
        return self.entries[2:]

    def frame(self) -> Iterator[tuple[int, bytes]]:
        """Yield offset and bytes of all that is not content: headers, padding, the end."""
        for entry in self.entries:
            yield entry.header_at, header(entry.name, entry.size)
            if entry.padding:
                yield entry.content_at + entry.size, bytes(entry.padding)
        yield self.entries[-1].end_at, END


def blob_name(digest: Digest) -> str:
    """Return the name of a blob in the tar: ``blobs/sha256/<hex>``."""
    return "blobs/" + digest.replace(":", "/")


def place(index: DeliveryIndex) -> Placement:
    """Return where everything stands; size and digest of the SBOM move nothing that stands before it."""
    entries = [Entry(name=INDEX_NAME, size=region_size(index), header_at=0)]
    entries.append(Entry(name=SIGNATURES_NAME, size=REGION_BYTES, header_at=entries[0].end_at))
    for blob in index.stored:
        at = entries[-1].end_at
        entries.append(Entry(name=blob_name(blob.digest), size=blob.size, header_at=at, blob=blob))
    return Placement(entries=tuple(entries))


def header(name: str, size: int) -> bytes:
    """Return the one tar header that an entry can have: mode 0644, no one's, from 1970."""
    fields = (
        name.encode().ljust(100, b"\0"),
        b"0000644\0",
        b"0000000\0",
        b"0000000\0",
        _size_field(size),
        b"00000000000\0",
        b" " * 8,
        b"0",
        bytes(100),
        b"ustar\x0000",
        bytes(32 + 32),
        bytes(8 + 8 + 155 + 12),
    )
    block = b"".join(fields)
    checksum = b"%06o\0 " % sum(block)
    return block[:148] + checksum + block[156:]


def size_in(block: bytes) -> int:
    """Return the size that a header claims; who reads it compares the whole header afterwards.

    Raises:
        ValueError: when there is no size.
    """
    field = block[_SIZE_AT : _SIZE_AT + 12]
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    size = parse_digits(field.rstrip(b"\0 "), base=8)
    if size is None:
        raise ValueError("it has no size")
    return size


def _size_field(size: int) -> bytes:
    return b"%011o\0" % size if size <= _MAX_OCTAL else b"\x80" + size.to_bytes(11, "big")
