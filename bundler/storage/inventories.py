"""What every revision of a release owns, without the manifests. Layer: adapter.

A change looks at all retained revisions, and of most of them only at what they own. So each pack is read once, several
at a time, and nothing of it is kept but the pages of inventories: requests and memory follow the number of packs, not
that of revisions times objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bundler.concurrency import map_parallel
from bundler.errors.change import RecordDamagedError
from bundler.model.lean import dataclass, field
from bundler.model.release import InventoryEntry, RevisionInventory
from bundler.storage import limits
from bundler.storage.blobs import BlobReader, join_pieces, size_of
from bundler.storage.decoding import listed_packs, named_blobs, page_digests, page_rows
from bundler.storage.inventory import manifest_digest, read_owned
from bundler.storage.reading import DamageError, reading
from bundler.storage.records import head_name, pack_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bundler.errors import BundlerError
    from bundler.model.release import RevisionSummary
    from bundler.storage.blobs import Piece
    from bundler.storage.heads import Head

    Packs = dict[str, "PackSummary"]
    Pages = dict[str, "Page"]

_LISTS = (b'{"entries":', b'{"packs":', b'{"pages":')
"""How pages, lists of packs and lists of pages begin as canonical JSON; what else begins so is kept in vain."""


class ReadPack(Protocol):
    """Reads one pack of a release; called from several threads."""

    def __call__(self, summary: RevisionSummary, name: str) -> Sequence[Piece]:
        """Return its pieces.

        Raises:
            RecordDamagedError: when it is gone or broken.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PackSummary:
    """What is remembered of a pack."""

    digests: frozenset[str] = frozenset()
    """Of all its blobs."""
    lists: tuple[Piece, ...] = ()
    damage: str = ""
    """What is wrong with it; empty where it can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is remembered of one page of an inventory."""

    entries: tuple[InventoryEntry, ...]
    manifests: frozenset[str]
    """Digests of the blobs that it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the records of one release; nothing of it ever changes, and a run reads it once."""

    packs: Packs = field(default_factory=dict)
    """By the last part of their names."""
    pages: Pages = field(default_factory=dict)
    """By digest."""


def read_inventories(
    heads: Sequence[Head], known: Known, read_pack: ReadPack, on_unreadable: Callable[[BundlerError], None]
) -> tuple[RevisionInventory, ...]:
    """Return the inventories of revisions, in the order of their heads, after a check that all they name is there.

    Args:
        heads: of one release.
        known: what was read before; what is read is added.
        read_pack: reads a pack.
        on_unreadable: takes the RecordDamagedError of a revision that cannot be read, which is then left out.
    """
    packs = known.packs
    budget = _Budget(packs)
    _read_all([(head, name) for head in heads for name in head.packs], packs, read_pack, budget)
    _read_all([(head, name) for head in heads for name in _listed(head, packs)], packs, read_pack, budget)
    found = []
    for head in heads:
        try:
            with reading(head_name(head.summary.release, head.summary.revision)):
                found.append(RevisionInventory(summary=head.summary, entries=tuple(_entries(head, known))))
        except RecordDamagedError as error:
            on_unreadable(error.of_revision(head.summary.revision))
    return tuple(found)


class _Budget:
    """How many bytes of lists all packs of a release may hold together; asked by several threads."""

    def __init__(self, known: Packs) -> None:
        self._left = limits.READ_REVISION_RAW_MAX_BYTES - sum(size_of(pack.lists) for pack in known.values())

    def spend(self, size: int) -> None:
        """Take a number of bytes.

        Raises:
            DamageError: when there are too many.
        """
        self._left -= size
        if self._left < 0:
            raise DamageError(
                f"the inventories of all revisions take more than {limits.READ_REVISION_RAW_MAX_BYTES} bytes"
            )


def _named(pack: str, found: str) -> str:
    """Say of which pack it is that something was found; once."""
    return found if pack in found else f"its pack {pack}: {found}"


def _read_all(named: Iterable[tuple[Head, str]], packs: Packs, read_pack: ReadPack, budget: _Budget) -> None:
    wanted = {name: head.summary for head, name in named if name not in packs or packs[name].damage}

    def read(name: str) -> PackSummary:
        try:
            pieces = read_pack(wanted[name], name)
            lists = tuple(piece for piece in pieces if piece.content.startswith(_LISTS))
            budget.spend(size_of(lists))
        except RecordDamagedError as error:
            return PackSummary(damage=_named(pack_name(wanted[name].release, name), "; ".join(error.context)))
        except DamageError as damage:
            return PackSummary(damage=str(damage))
        return PackSummary(digests=frozenset(piece.digest for piece in pieces), lists=lists)

    packs.update(zip(wanted, map_parallel(read, wanted), strict=True))


def _listed(head: Head, packs: Packs) -> tuple[str, ...]:
    """Return the packs that a list names; a damaged list is reported with the revision."""
    try:
        return listed_packs(head, (piece for name in head.packs for piece in packs[name].lists))
    except DamageError:
        return ()


def _entries(head: Head, known: Known) -> Iterator[InventoryEntry]:
    packs, pages = known.packs, known.pages
    listed = listed_packs(head, (piece for name in head.packs for piece in packs[name].lists))
    own = [packs[name] for name in (*head.packs, *listed)]
    for pack in own:
        if pack.damage:
            raise DamageError(pack.damage)
    blobs = BlobReader(join_pieces(piece for pack in own for piece in pack.lists))
    digests = page_digests(head.content, blobs)
    named = {*named_blobs(head.content), *digests}
    for digest in digests:
        if digest not in pages:
            rows = page_rows(digest, blobs)
            manifests = frozenset(filter(None, map(manifest_digest, rows)))
            pages[digest] = Page(entries=tuple(map(read_owned, rows)), manifests=manifests)
        named |= pages[digest].manifests
        yield from pages[digest].entries
    missing = named.difference(*(pack.digests for pack in own))
    for digest in sorted(missing):
        raise DamageError(f"blob {digest[:12]} is in none of the packs that the head names")
