"""Where an image that is made goes: blobs side by side, then manifests. Layer: actions."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from bundler.concurrency import map_parallel
from bundler.model.events import BytesMoved
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.delivery.layout_target import LayoutTarget
    from bundler.model.digest import Digest
    from bundler.model.image import ImageRef
    from bundler.model.oci import BlobSource, Descriptor, OciManifest, Repository
    from bundler.ports import ImageTarget, Reporter

_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where an image goes."""

    store: ImageTarget
    repository: Repository
    tag: str
    ref: ImageRef
    """What the SBOM calls it."""
    layout: LayoutTarget | None = None
    """The same as ``store``, where that is a folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A blob of an image, and where it comes from."""

    blob: Descriptor
    source: BlobSource
    mount_from: str = ""
    """Another repository of the same host that holds it."""


class Shipping:
    """Brings the parts of one image to its target; what the target holds is not sent."""

    def __init__(self, target: Target, report: Reporter) -> None:
        self._target, self._report = target, report
        self._lock = threading.Lock()
        self._there: set[Digest] = set()
        self._reached: dict[Digest, int] = {}
        self._total = 0
        self.sent_bytes = 0

    def put(self, parts: Iterable[Part]) -> None:
        """Store blobs, several at once.

        Raises:
            RegistryError, ImageBuildError: when one cannot be stored.
        """
        new = {part.blob.digest: part for part in parts if part.blob.digest not in self._there}
        self._total += sum(part.blob.size for part in new.values())
        map_parallel(self._put, new.values(), at_once=_AT_ONCE)
        self._there |= set(new)

    def name(self, manifest: OciManifest, *, tag: str = "") -> None:
        """Store a manifest, under a tag where one is given."""
        self._target.store.put_manifest(self._target.repository, manifest, tag=tag)

    def _put(self, part: Part) -> None:
        target = self._target
        sent = target.store.put_blob(target.repository, part.blob, self._counted(part), mount_from=part.mount_from)
        with self._lock:
            self.sent_bytes += sent
            self._reached[part.blob.digest] = part.blob.size

    def _counted(self, part: Part) -> BlobSource:
        def pieces(offset: int) -> Iterator[bytes]:
            at = offset
            for piece in part.source(offset):
                yield piece
                at += len(piece)
                with self._lock:
                    self._reached[part.blob.digest] = at
                    done = sum(self._reached.values())
                self._report(BytesMoved("storing the image", done, self._total))

        return pieces
