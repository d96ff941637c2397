"""Whether a registry holds images whole: judged by what it gives out, not by what it says. Layer: actions.

Collectors of garbage take a manifest of an index, or a layer behind it, and leave the tag; registries keep listing
what their storage has lost. So manifests are fetched and their digests checked, sizes of blobs compared,
and of each image one byte of its largest blob is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.concurrency import map_parallel
from bundler.delivery.check import references
from bundler.errors.delivery import ContentMismatchError
from bundler.images.tree import ImageTree
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.digest import Digest
    from bundler.model.oci import Descriptor, OciManifest, Repository
    from bundler.ports import Registry

_MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class _Part:
    """One blob to ask for."""

    repository: Repository
    blob: Descriptor


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What a repository lacks of an image."""

    manifests: frozenset[Digest]
    blobs: frozenset[Digest]
    is_new: bool = False
    """Its root does not exist; the rest was not asked for."""

    def __bool__(self) -> bool:
        """Return whether anything is missing."""
        return bool(self.manifests or self.blobs)


def find_missing(
    registry: Registry, wanted: Sequence[tuple[Repository, ImageTree]], *, reads_all: bool = False
) -> list[Missing]:
    """Return what is missing of each image, in their order.

    Args:
        registry: to ask.
        wanted: where each image should be, with everything that belongs to it.
        reads_all: read a byte of every blob, not of the largest of each image alone.

    Raises:
        RegistryError: when the registry cannot be asked.
    """
    roots = _given(registry, ((place, tree.root.digest) for place, tree in wanted))
    there = [(place, tree) for place, tree in wanted if (place, tree.root.digest) in roots]
    given = roots | _given(registry, ((place, one.digest) for place, tree in there for one in tree.manifests[:-1]))
    lost = _lost(registry, there, reads_all=reads_all)
    return [_missing(place, tree, given, lost, is_new=(place, tree.root.digest) not in roots) for place, tree in wanted]


def holds_whole(registry: Registry, repository: Repository, root: Digest) -> bool:
    """Return whether a repository holds an image with everything that its platforms need.

    Args:
        registry: the registry to ask.
        repository: host and name.
        root: digest of the image's index or manifest.

    Raises:
        RegistryError: when the registry cannot be asked.
    """
    manifests = _fetched(registry, repository, root, depth=0)
    if manifests is None:
        return False
    blobs = {blob.digest: blob for one in manifests if not one.is_index for blob in needed_blobs(one)}
    tree = ImageTree(manifests=tuple(manifests), blobs=tuple(blobs.values()))
    return not _lost(registry, [(repository, tree)], reads_all=False)


def needed_blobs(manifest: OciManifest) -> Iterator[Descriptor]:
    """Yield config and layers; layers that their makers keep elsewhere (``urls``) are left out."""
    own = {digest for digest, _ in references(manifest.content)}
    return (blob for blob in manifest.blobs if blob.digest in own)


def _missing(
    place: Repository,
    tree: ImageTree,
    given: set[tuple[Repository, Digest]],
    lost: set[tuple[Repository, Digest]],
    *,
    is_new: bool,
) -> Missing:
    if is_new:
        manifests, blobs = {one.digest for one in tree.manifests}, {one.digest for one in tree.blobs}
    else:
        manifests = {one.digest for one in tree.manifests if (place, one.digest) not in given}
        blobs = {one.digest for one in tree.blobs if (place, one.digest) in lost}
    return Missing(manifests=frozenset(manifests), blobs=frozenset(blobs), is_new=is_new)


def _given(registry: Registry, wanted: Iterable[tuple[Repository, Digest]]) -> set[tuple[Repository, Digest]]:
    """Return those manifests that the registry gives out as they are."""
    asked = list(dict.fromkeys(wanted))
    found = map_parallel(lambda one: _manifest(registry, *one) is not None, asked)
    return {one for one, is_given in zip(asked, found, strict=True) if is_given}


def _manifest(registry: Registry, repository: Repository, digest: Digest) -> OciManifest | None:
    try:
        return registry.manifest(repository, digest)
    except ContentMismatchError:
        return None  # something is there, but not that


def _lost(
    registry: Registry, wanted: Sequence[tuple[Repository, ImageTree]], *, reads_all: bool
) -> set[tuple[Repository, Digest]]:
    """Return the blobs that the registry does not hold."""
    asked = {(place, blob.digest): _Part(place, blob) for place, tree in wanted for blob in tree.blobs}
    largest = {(place, max(tree.blobs, key=lambda blob: blob.size).digest) for place, tree in wanted if tree.blobs}

    def is_held(key: tuple[Repository, Digest]) -> bool:
        part = asked[key]
        return registry.has_blob(part.repository, part.blob, is_read=reads_all or key in largest)

    held = map_parallel(is_held, list(asked))
    return {key for key, is_there in zip(asked, held, strict=True) if not is_there}


def _fetched(registry: Registry, repository: Repository, digest: Digest, *, depth: int) -> list[OciManifest] | None:
    """Return an image's manifests, the root last; None where one is missing that a platform needs."""
    root = _manifest(registry, repository, digest)
    if root is None:
        return None
    found: list[OciManifest] = []
    for child in root.children if depth < _MAX_DEPTH else ():
        below = _fetched(registry, repository, child.digest, depth=depth + 1)
        if below is None and not child.is_extra:
            return None
        found += below or []
    return [*found, root]
