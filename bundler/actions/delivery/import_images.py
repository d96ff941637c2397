"""Bring the images of a delivery into a site's registry. Layer: actions.

Nothing is unpacked: blobs go from the file to the registry. What exists already is skipped, so that a run that was
cut short is simply run again. Manifests follow their blobs, children before parents, so that whatever is named in the
registry is whole there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.actions.delivery.delta_base import base_not_at_hand, file_of
from bundler.actions.delivery.image_presence import Missing, find_missing
from bundler.concurrency import map_parallel
from bundler.delivery.check import check_size
from bundler.delivery.pieces import HINT_COPY
from bundler.errors.delivery import BaseMissingError, ContentMismatchError, DeliveryDamagedError
from bundler.images.rewrite import site_repository
from bundler.images.tree import ImageTree, image_tree
from bundler.model.events import BytesMoved, Notice
from bundler.model.image import ImageRef
from bundler.model.imported import ImportedImage, ImportResult
from bundler.model.json import mapping_at
from bundler.model.lean import dataclass, replace
from bundler.model.oci import OCI_MANIFEST, BlobSource, Descriptor, Repository, digest_tag
from bundler.model.size import counted, first_of, shown_bytes

if TYPE_CHECKING:
    from bundler.actions.acquire.open_delivery import Trusted
    from bundler.delivery.reader import Delivery
    from bundler.model.digest import Digest
    from bundler.model.site import SiteRegistry
    from bundler.ports import Registry, Reporter

UPLOADS_AT_ONCE = 4
_MAX_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """What to bring where."""

    trusted: Trusted
    place: SiteRegistry
    bases: tuple[Delivery, ...] = ()
    """The files that a delta builds on, as far as they are available: one may be a delta itself."""
    reads_all: bool = False
    """Read a byte of every blob that is there, not of the largest of each image alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cargo:
    """One image or attachment on its way to one repository."""

    tree: ImageTree
    repository: Repository
    tag: str = ""
    """The one that people know; empty where there is none, or another content has it."""
    is_tagged: bool = False
    """The registry has it under the tag that keeps it."""
    notice: str = ""
    """What is to be said about its tag."""
    missing: Missing = Missing(manifests=frozenset(), blobs=frozenset())
    """What the registry lacks of it."""

    @property
    def is_there(self) -> bool:
        """Whether nothing is left to do."""
        return self.is_tagged and not self.missing

    @property
    def tag_to_set(self) -> str:
        """Return the tag it gets; empty where a subject keeps it."""
        is_kept = bool(mapping_at(self.tree.root.body, "subject"))
        return self.tag or ("" if is_kept else digest_tag(self.tree.root.digest))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    """One blob and everywhere it has to be."""

    blob: Descriptor
    repositories: tuple[Repository, ...]
    mount_from: str = ""
    """Another repository that holds it, where no given file does."""


def import_delivery(request: ImportRequest, registry: Registry, report: Reporter) -> ImportResult:
    """Bring every image of a delivery to a registry; a second run moves nothing.

    Args:
        request: the delivery and where its images go.
        registry: the registry to ask.
        report: receives progress and warnings.

    Raises:
        BaseMissingError: when a delta's base is neither in the registry nor given; nothing was written.
        DeliveryDamagedError: when what is read from the file is not what its index says.
        RegistryError: when the registry cannot be asked, or does not take it.
    """
    return _Importer(request, registry, report).run()


class _Importer:
    def __init__(self, request: ImportRequest, registry: Registry, report: Reporter) -> None:
        self._delivery, self._index = request.trusted.delivery, request.trusted.index
        self._place, self._bases, self._reads_all = request.place, request.bases, request.reads_all
        self._registry, self._report = registry, report
        self._carried = {blob.digest for blob in self._index.blobs}
        self._lock = threading.Lock()
        self._reached: dict[Digest, int] = {}
        """How far each blob is, in bytes; a cut takes one back."""
        self._moved = self._sent = self._total = self._sent_blobs = self._skipped = 0

    def run(self) -> ImportResult:
        """Do it."""
        check_size(self._delivery)
        # A user who does not answer, or does not know us, is reported once, not for every image.
        self._registry.ping(self._place.host)
        cargoes = self._judged([*map_parallel(self._with_free_tag, self._cargoes()), *self._attachments()])
        missing = [cargo for cargo in cargoes if not cargo.is_there]
        moves = self._with_base(self._moves(missing))
        self._total = sum(move.blob.size for move in moves)
        if missing:
            images = cargoes[: len(self._index.images)]
            self._report(Notice(self._announced(sum(not cargo.is_there for cargo in images))))
        for notice in sorted({cargo.notice for cargo in missing if cargo.notice}):
            self._report(Notice(notice))
        map_parallel(self._move, moves, at_once=UPLOADS_AT_ONCE)
        map_parallel(self._store, missing, at_once=UPLOADS_AT_ONCE)
        arrived = tuple(
            ImportedImage(image=one.locked, repository=cargo.repository, was_there=cargo.is_there)
            for one, cargo in zip(self._index.images, cargoes, strict=False)
        )
        return ImportResult(
            images=arrived, sent_bytes=self._sent, sent_blobs=self._sent_blobs, skipped_blobs=self._skipped
        )

    def _announced(self, images: int) -> str:
        # Where only what is attached to images is missing, there is no image to count.
        what = counted(images, "image") if images else "what is attached to images"
        return f"bringing {what}, {shown_bytes(self._total)}, to {self._place}"

    def _cargoes(self) -> Iterator[_Cargo]:
        """Yield the images, each with the tag of its reference, where none before it has that."""
        owners: dict[tuple[Repository, str], Digest] = {}
        for image in (one.locked for one in self._index.images):
            tree = image_tree(image.digest, image.media_type, self._delivery.read, self._carried)
            repository, tag = site_repository(image.ref, self._place), image.ref.tag
            owner = owners.setdefault((repository, tag), image.digest) if tag else image.digest
            if owner == image.digest:
                yield _Cargo(tree=tree, repository=repository, tag=tag)
            else:
                yield _Cargo(tree=tree, repository=repository, notice=_said(f"{repository}:{tag}", owner, image.digest))

    def _with_free_tag(self, cargo: _Cargo) -> _Cargo:
        """Leave a tag to the content that has it at the site: what is installed may be kept by that tag alone."""
        root = cargo.tree.root.digest
        found = self._registry.head_manifest(cargo.repository, cargo.tag) if cargo.tag else None
        if found is None or found.digest == root:
            return replace(cargo, is_tagged=found is not None)
        said = _said(f"{cargo.repository}:{cargo.tag}", found.digest, root)
        return _Cargo(tree=cargo.tree, repository=cargo.repository, notice=said)

    def _attachments(self) -> Iterator[_Cargo]:
        """Yield what is attached to images, for every repository where such an image lies."""
        holders: dict[Digest, list[Repository]] = {}
        for image in self._index.images:
            locked = image.locked
            tree = image_tree(locked.digest, locked.media_type, self._delivery.read, self._carried)
            for manifest in tree.manifests:
                holders.setdefault(manifest.digest, []).append(site_repository(locked.ref, self._place))
        for one in self._index.attachments:
            tree = image_tree(one.digest, OCI_MANIFEST, self._delivery.read, self._carried)
            for repository in dict.fromkeys(holders.get(one.image, [])):
                yield _Cargo(tree=tree, repository=repository)

    def _judged(self, cargoes: Sequence[_Cargo]) -> list[_Cargo]:
        """Find out what the registry lacks of each, and of the tag that keeps it."""
        wanted = [(cargo.repository, cargo.tree) for cargo in cargoes]
        missing = find_missing(self._registry, wanted, reads_all=self._reads_all)
        judged = [replace(cargo, missing=lack) for cargo, lack in zip(cargoes, missing, strict=True)]
        return map_parallel(self._with_tag, judged)

    def _with_tag(self, cargo: _Cargo) -> _Cargo:
        if cargo.is_tagged or cargo.missing.is_new or not cargo.tag_to_set:
            return replace(cargo, is_tagged=cargo.is_tagged or not cargo.tag_to_set)
        found = self._registry.head_manifest(cargo.repository, cargo.tag_to_set)
        return replace(cargo, is_tagged=found is not None and found.digest == cargo.tree.root.digest)

    def _moves(self, cargoes: list[_Cargo]) -> list[_Move]:
        """Return the blobs to move, the largest first, so that none is waited for at the end."""
        blobs: dict[Digest, Descriptor] = {}
        places: dict[Digest, list[Repository]] = {}
        for cargo in cargoes:
            for blob in (one for one in cargo.tree.blobs if one.digest in cargo.missing.blobs):
                blobs[blob.digest] = blob
                known = places.setdefault(blob.digest, [])
                if cargo.repository not in known:
                    known.append(cargo.repository)
        moves = [_Move(blob=blobs[digest], repositories=tuple(found)) for digest, found in places.items()]
        return sorted(moves, key=lambda move: (-move.blob.size, move.blob.digest))

    def _with_base(self, moves: list[_Move]) -> list[_Move]:
        """Find every blob that only a delta's base holds, before anything is written."""
        absent = [move for move in moves if self._at_hand(move.blob.digest) is None]
        found = dict(zip([move.blob.digest for move in absent], map_parallel(self._holder, absent), strict=True))
        missing = [move for move in absent if found[move.blob.digest] is None]
        if missing:
            raise self._base_missing(missing)
        return [replace(move, mount_from=found.get(move.blob.digest) or "") for move in moves]

    def _at_hand(self, digest: Digest) -> Delivery | None:
        return next((one for one in (self._delivery, *self._bases) if one.has(digest)), None)

    def _holder(self, move: _Move) -> str | None:
        """Return the repository that holds a blob: its own, any other of this delivery, or one of its base."""
        base = self._index.base
        refs = [image.locked.ref for image in self._index.images]
        refs += map(ImageRef.parse, base.repositories if base else ())
        every = [site_repository(ref, self._place) for ref in refs]
        for repository in dict.fromkeys([*move.repositories, *every]):
            if self._registry.has_blob(repository, move.blob, is_read=True):
                return repository.name
        return None

    def _base_missing(self, missing: list[_Move]) -> BaseMissingError:
        base = base_not_at_hand(self._index, self._bases)
        named = f"{base.name} {base.version} (build {base.index})" if base else "another delivery"
        lines = [f"{m.blob.digest} ({shown_bytes(m.blob.size)}) for {m.repositories[0]}" for m in missing]
        old = file_of(base)
        return BaseMissingError(
            f"importing {self._delivery.name} into {self._place}",
            context=[
                f"it builds on {named}, and {len(lines)} blobs of that are missing:",
                *first_of(lines, _MAX_NAMED),
            ],
            hint=f"import {old} first, or name it{' too' if self._bases else ''}: --base {old}",
        )

    def _move(self, move: _Move) -> None:
        """Bring a blob to its first repository, and let the registry hand it on to the others."""
        first, *others = move.repositories
        mount_from = move.mount_from if move.mount_from != first.name else ""
        sent = self._put(first, move, mount_from)
        for repository in others:
            sent += self._put(repository, move, first.name)
        with self._lock:
            self._sent += sent
            self._sent_blobs += sent > 0 or move.blob.size == 0
            self._skipped += sent == 0 and move.blob.size > 0
        self._reach(move.blob.digest, move.blob.size)

    def _put(self, repository: Repository, move: _Move, mount_from: str) -> int:
        """Store a blob; return how many bytes were sent.

        Raises:
            DeliveryDamagedError: when the file holds something else under its digest: the registry is not to blame.
        """
        try:
            return self._registry.put_blob(repository, move.blob, self._source(move), mount_from=mount_from)
        except ContentMismatchError as error:
            holder = self._at_hand(move.blob.digest) or self._delivery
            found = [f"{move.blob.digest} is damaged: {line}" for line in error.context]
            raise DeliveryDamagedError(f"reading {holder.name}", context=found, hint=HINT_COPY) from error

    def _source(self, move: _Move) -> BlobSource:
        digest = move.blob.digest

        def pieces(offset: int) -> Iterator[bytes]:
            holder = self._at_hand(digest)
            if holder is None:
                raise self._base_missing([move])
            at = offset
            for piece in holder.chunks(digest, offset):
                yield piece
                at += len(piece)
                self._reach(digest, at)

        return pieces

    def _reach(self, digest: Digest, at: int) -> None:
        with self._lock:
            self._moved += at - self._reached.get(digest, 0)
            self._reached[digest] = at
            moved = self._moved
        self._report(BytesMoved("importing", moved, self._total))

    def _store(self, cargo: _Cargo) -> None:
        root = cargo.tree.root
        for manifest in cargo.tree.manifests[:-1]:
            if manifest.digest in cargo.missing.manifests:
                self._registry.put_manifest(cargo.repository, manifest)
        if root.digest in cargo.missing.manifests or not cargo.is_tagged:
            # A tag that has it already may be one that cannot be written again.
            tag = "" if cargo.is_tagged else cargo.tag_to_set
            self._registry.put_manifest(cargo.repository, root, tag=tag)


def _said(name: str, owner: Digest, other: Digest) -> str:
    return f"{name} stays {owner}; {other} is tagged {digest_tag(other)}"
