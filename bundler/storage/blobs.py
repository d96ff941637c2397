"""Content-addressed blobs and the packs they are stored in. Layer: adapter, pure.

A blob is canonical JSON under the sha256 of its uncompressed bytes. A pack holds whole blobs, or pieces of one that is
too large; it is named after its uncompressed content, so other zlib versions give the same names. The short keys of all
pieces of a pack also stand in an annotation: one metadata-only list tells what every pack holds.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from itertools import islice
from typing import TYPE_CHECKING

from bundler.model.json import canonical_json
from bundler.model.lean import dataclass
from bundler.storage import limits
from bundler.storage.reading import DamageError, count_of, inflate, list_of, mapping_of, parse_json, text_of
from bundler.storage.sensitive import is_marked, reveal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bundler.model.json import JSONValue

KEY_BYTES = 12
NAME_CHARS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A blob, or one piece of a large one."""

    digest: str
    """sha256 of the whole blob, 64 hex digits."""
    content: bytes
    part: int = 0
    parts: int = 1

    @property
    def key(self) -> bytes:
        """What the index annotation of a pack holds for this piece."""
        return piece_key(self.digest, self.part, self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """Some pieces, compressed together."""

    name: str
    """Start of the sha256 of the uncompressed content."""
    content: bytes
    """Compressed."""
    keys: tuple[bytes, ...]


class BlobWriter:
    """Collect the blobs of one revision in order."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}

    def add(self, value: JSONValue) -> str:
        """Take a value and return its digest."""
        return self.add_bytes(canonical_json(value))

    def add_bytes(self, content: bytes) -> str:
        """Take canonical JSON and return its digest."""
        digest = hashlib.sha256(content).hexdigest()
        self.blobs.setdefault(digest, content)
        return digest


class BlobReader:
    """Give out the blobs of one revision, parsed, with sensitive leaves filled in."""

    def __init__(self, blobs: Mapping[str, bytes]) -> None:
        self._blobs = blobs
        self._values_left = limits.READ_VALUES_MAX

    def value(self, digest: str, taken: Mapping[str, JSONValue] | None) -> JSONValue:
        """Return what a blob stands for.

        Args:
            digest: 64 hex digits.
            taken: pointer -> sensitive leaf of this blob; None leaves ``***`` in their place.

        Raises:
            DamageError: when it is missing or broken.
        """
        content = self._blobs.get(digest)
        if content is None:
            raise DamageError(f"blob {digest[:12]} is in none of the packs that the head names")
        self._values_left -= sum(map(content.count, (b",", b"[", b"{")))
        if self._values_left < 0:
            raise DamageError(f"it holds more than {limits.READ_VALUES_MAX} values")
        value = parse_json(content)
        return reveal(value, taken) if is_marked(content) else value


def piece_key(digest: str, part: int = 0, parts: int = 1) -> bytes:
    """Return the short key of a piece.

    Args:
        digest: of the content.
        part: number of the piece, from 0.
        parts: number of parts.
    """
    if parts == 1:
        return bytes.fromhex(digest)[:KEY_BYTES]
    return hashlib.sha256(f"{digest}/{part}/{parts}".encode()).digest()[:KEY_BYTES]


def pieces_of(blobs: Mapping[str, bytes]) -> Iterator[Piece]:
    """Yield blobs as pieces that fit a pack."""
    for digest, content in blobs.items():
        step = limits.PIECE_MAX_BYTES
        parts = max(1, -(-len(content) // step))
        for part in range(parts):
            yield Piece(digest=digest, content=content[part * step : (part + 1) * step], part=part, parts=parts)


def build_packs(pieces: Iterable[Piece]) -> list[Pack]:
    """Pack pieces in order, as many into a pack as fit."""
    packs: list[Pack] = []
    for group in _groups(pieces):
        packs += _fit(group)
    return packs


def _groups(pieces: Iterable[Piece]) -> Iterator[Sequence[Piece]]:
    group: list[Piece] = []
    size = 0
    for piece in pieces:
        if group and (size + len(piece.content) > limits.PACK_RAW_BYTES or len(group) == limits.PACK_MAX_PIECES):
            yield group
            group, size = [], 0
        group.append(piece)
        size += len(piece.content)
    if group:
        yield group


def _fit(group: Sequence[Piece]) -> list[Pack]:
    """Compress a group; one that comes out too large is divided by how much too large it is."""
    pack = _compress(group)
    if len(pack.content) <= limits.PACK_MAX_BYTES or len(group) == 1:
        return [pack]
    step = max(1, len(group) // -(-len(pack.content) // limits.PACK_MAX_BYTES))
    return [pack for at in range(0, len(group), step) for pack in _fit(group[at : at + step])]


def _compress(group: Sequence[Piece]) -> Pack:
    index: list[JSONValue] = [_index_row(piece) for piece in group]
    head = canonical_json({"formatVersion": limits.PLAIN_FORMAT, "blobs": index})
    raw = b"".join((head, b"\n", *(piece.content for piece in group)))
    return Pack(
        name=hashlib.sha256(raw).hexdigest()[:NAME_CHARS],
        content=zlib.compress(raw, 6),
        keys=tuple(piece.key for piece in group),
    )


def _index_row(piece: Piece) -> JSONValue:
    row: list[JSONValue] = [piece.digest, len(piece.content)]
    return row if piece.parts == 1 else [*row, piece.part, piece.parts]


def read_pack(name: str, content: bytes) -> list[Piece]:
    """Return the pieces of a pack.

    Raises:
        DamageError: when it is not what its name says, or breaks a bound.
    """
    raw = inflate(content, limits.READ_PACK_RAW_MAX_BYTES)
    if hashlib.sha256(raw).hexdigest()[:NAME_CHARS] != name:
        raise DamageError("its content is not what its name says")
    head, found, body = raw.partition(b"\n")
    if not found:
        raise DamageError("it has no index")
    index = mapping_of(parse_json(head), "the index")
    rows = list_of(index.get("blobs"), "the index", limits.READ_OBJECTS_MAX)
    pieces, start = [], 0
    for row in rows:
        piece, start = _read_piece(row, body, start)
        pieces.append(piece)
    return pieces


def _read_piece(row: JSONValue, body: bytes, start: int) -> tuple[Piece, int]:
    cells = list_of(row, "a row of the index", 4)
    if len(cells) not in {2, 4}:
        raise DamageError("a row of the index has not 2 or 4 cells")
    end = start + count_of(cells[1], "a length")
    if end > len(body):
        raise DamageError("it is shorter than its index says")
    part, parts = (count_of(cells[2], "a part"), count_of(cells[3], "a part")) if len(cells) == 4 else (0, 1)
    if not part < parts <= limits.READ_PARTS_MAX:
        raise DamageError("a piece is numbered outside its blob")
    return Piece(digest=text_of(cells[0], "a digest"), content=body[start:end], part=part, parts=parts), end


def join_pieces(pieces: Iterable[Piece]) -> dict[str, bytes]:
    """Return whole blobs, checked against their digests; a blob with missing pieces is left out.

    Raises:
        DamageError: when a blob is not what its digest says.
    """
    found: dict[str, dict[int, Piece]] = {}
    for piece in pieces:
        found.setdefault(piece.digest, {})[piece.part] = piece
    blobs = {}
    for digest, parts in found.items():
        if len(parts) != next(iter(parts.values())).parts:
            continue
        content = b"".join(parts[number].content for number in sorted(parts))
        if hashlib.sha256(content).hexdigest() != digest:
            raise DamageError(f"blob {digest[:12]} is not what its digest says")
        blobs[digest] = content
    return blobs


def size_of(pieces: Iterable[Piece]) -> int:
    """Return how many bytes pieces hold."""
    return sum(len(piece.content) for piece in pieces)


def index_text(keys: Iterable[bytes]) -> str:
    """Encode short keys for the annotation of a pack."""
    return base64.b64encode(b"".join(keys)).decode()


def read_index_text(text: str) -> frozenset[bytes]:
    """Read what :func:`index_text` wrote; a broken one holds nothing, so its blobs are written again."""
    try:
        joined = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return frozenset()
    steps = iter(range(0, len(joined), KEY_BYTES))
    return frozenset(joined[at : at + KEY_BYTES] for at in islice(steps, limits.READ_OBJECTS_MAX))


def choose_packs(wanted: Iterable[bytes], known: Mapping[str, frozenset[bytes]]) -> list[str]:
    """Return the fewest known packs (greedily) that hold as many of the wanted keys as any do."""
    missing, chosen = set(wanted), []
    rest = dict(known)
    while missing and rest:
        best = min(rest, key=lambda name: (-len(rest[name] & missing), name))
        held = rest.pop(best) & missing
        if not held:
            break
        chosen.append(best)
        missing -= held
    return chosen
