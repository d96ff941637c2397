"""Write everything that a bundle needs into one file. Layer: actions.

Manifests tell digest and size of every blob, so the place of each is known before a layer is fetched. Layers are
streamed there, several at once, and looked through for package databases on the way. Nothing is read twice.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from bundler.actions.delivery.export_inventory import Gathered, blobs_of, gather_images
from bundler.archive.writer import pack_files
from bundler.delivery.index import encode_index
from bundler.delivery.pieces import parts_beside
from bundler.delivery.writer import DeliveryWriter
from bundler.errors import InterruptedRunError
from bundler.errors.delivery import DeliveryError
from bundler.isolation.child import ChildStoppedError
from bundler.model.delivery import (
    NOT_MADE,
    Blob,
    BlobKind,
    CarriedBundle,
    CarriedTool,
    DeliveryIndex,
    base_of,
    blob_order,
)
from bundler.model.digest import Digest, digest_of
from bundler.model.events import BytesMoved, Notice, Warned
from bundler.model.lean import dataclass, replace
from bundler.model.results import Exported
from bundler.model.size import listed, shown_bytes
from bundler.model.trust import INDEX_PAYLOAD
from bundler.sbom.cyclonedx import make_sbom
from bundler.sbom.image import ImageContent, installed
from bundler.sbom.layer import LayerContent
from bundler.sbom.layer_scan import LayerScans

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.delivery.reader import Delivery
    from bundler.model.bundle import Bundle
    from bundler.model.image import ImageInventory
    from bundler.model.oci import Descriptor, Repository
    from bundler.ports import ImageSource, Reporter, Signer

STREAMS_AT_ONCE: Final = 4
_MOST_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """bundler itself, as one file."""

    content: bytes
    version: str
    python: str = ">=3.11"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """What is to be carried."""

    bundle: Bundle
    inventory: ImageInventory
    platforms: tuple[str, ...]
    """Empty: all."""
    target: Path
    """Of the file; parts get ``.001`` and so on."""
    part_bytes: int = 0
    """0: one file."""
    base: Delivery | None = None
    """What the site has already."""
    at_hand: tuple[Delivery, ...] = ()
    """Earlier deliveries: what they hold is copied from them, not fetched."""
    tool: Tool | None = None
    archive_time_s: int = 0
    """Seconds since 1970 that the bundle's archive carries."""


def export_bundle(
    request: ExportRequest,
    source: ImageSource,
    *,
    signers: Sequence[Signer] = (),
    report: Reporter,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Exported:
    """Write a delivery; it gets its name when it is whole.

    Args:
        request: bundle, file, platforms and base.
        source: where image content comes from.
        signers: sign the delivery; none leaves it unsigned.
        report: receives progress and warnings.
        is_stopped: asked between steps; True ends the export.

    Raises:
        ExportError: when an image does not exist, or not for these platforms.
        RegistryError: when a registry cannot be asked, or sends something other than its digest says.
        DeliveryError: when the file cannot be written.
        InterruptedRunError: when the run was asked to stop.
    """
    for warning in request.inventory.warnings:
        report(Warned(warning))
    with LayerScans(are_wanted=bool(request.inventory.images)) as scans:
        gathered = gather_images(request.inventory.images, source, platforms=request.platforms)
        for image in gathered:
            for notice in image.notices:
                report(Notice(notice))
        files, name = request.bundle.files.values(), request.bundle.metadata.name
        archive = pack_files(files, top=name, mtime=request.archive_time_s)
        index = _index(request, gathered, archive)
        streaming = _Streaming(index, gathered, source, request, _Run(scans, report, is_stopped))
        with DeliveryWriter(request.target, index, part_bytes=request.part_bytes) as writer:
            for digest, content in _small(request, gathered, archive).items():
                writer.put(digest, content)
            streaming.run(writer)
            sbom = make_sbom(request.bundle, streaming.contents())
            index = _with_sbom(index, sbom)
            raw = encode_index(index)
            paths = writer.finish(index, sbom, [signer.sign(INDEX_PAYLOAD, raw) for signer in signers])
    _warn_of_others(request.target, paths, report)
    size = sum(path.stat().st_size for path in paths)
    return Exported(paths=tuple(paths), build_id=digest_of(raw), index=index, size=size)


def _warn_of_others(target: Path, paths: Sequence[Path], report: Reporter) -> None:
    """Warn of what an earlier export left under this name: copied along, it makes the delivery one of two builds."""
    others = [path.name for path in (target, *parts_beside(target)) if path not in paths and path.exists()]
    if others:
        report(Warned(f"of an earlier export, and not of this one: {listed(others, _MOST_SHOWN)}; remove them"))


def _small(request: ExportRequest, gathered: Sequence[Gathered], archive: bytes) -> Mapping[Digest, bytes]:
    """Return what is in memory anyway."""
    small = {digest_of(archive): archive}
    for image in gathered:
        small |= {manifest.digest: manifest.content for manifest in image.manifests}
        small |= image.configs
    if request.tool:
        small[digest_of(request.tool.content)] = request.tool.content
    return small


def _index(request: ExportRequest, gathered: Sequence[Gathered], archive: bytes) -> DeliveryIndex:
    """Return the index, all of it but digest and size of the SBOM."""
    bundle, base, tool = request.bundle, request.base, request.tool
    known = {blob.digest for blob in base.index.blobs if blob.kind is BlobKind.LAYER} if base else set()
    blobs = blobs_of(gathered, in_base=known)
    blobs.append(Blob(digest=digest_of(archive), size=len(archive), kind=BlobKind.BUNDLE))
    blobs.append(Blob(digest=NOT_MADE, size=0, kind=BlobKind.SBOM))
    if tool:
        blobs.append(Blob(digest=digest_of(tool.content), size=len(tool.content), kind=BlobKind.TOOL))
    return DeliveryIndex(
        bundle=CarriedBundle(
            name=bundle.metadata.name,
            version=bundle.metadata.version,
            app_version=bundle.metadata.app_version,
            digest=bundle.digest,
            archive=digest_of(archive),
        ),
        kube_version=bundle.kube_version,
        platforms=tuple(sorted(request.platforms)),
        all_platforms=not request.platforms,
        images=tuple(image.image for image in sorted(gathered, key=lambda image: str(image.image.locked.ref))),
        attachments=tuple(sorted({one for image in gathered for one in image.attachments})),
        sbom=NOT_MADE,
        tool=CarriedTool(digest=digest_of(tool.content), version=tool.version, python=tool.python) if tool else None,
        base=base_of(base.index, base.build_id, [one.image.locked.ref for one in gathered]) if base else None,
        blobs=tuple(sorted(blobs, key=blob_order)),
    )


def _with_sbom(index: DeliveryIndex, sbom: bytes) -> DeliveryIndex:
    *others, last = index.blobs
    return replace(
        index,
        sbom=digest_of(sbom),
        blobs=(*others, replace(last, digest=digest_of(sbom), size=len(sbom))),
    )


class _OtherContentError(Exception):
    """A blob from an earlier export is not what its digest says."""


class _Run(NamedTuple):
    """What an export continues in."""

    scans: LayerScans
    report: Reporter
    is_stopped: Callable[[], bool]


class _Streaming:
    """Streams layers to their places and looks into them."""

    def __init__(
        self,
        index: DeliveryIndex,
        gathered: Sequence[Gathered],
        source: ImageSource,
        request: ExportRequest,
        run: _Run,
    ) -> None:
        self._gathered, self._source = gathered, source
        self._base, self._at_hand = request.base, request.at_hand
        self._scans, self._report, self._is_stopped = run
        self._stored = {blob.digest: blob for blob in index.stored}
        kinds = {BlobKind.LAYER, BlobKind.ATTACHMENT}
        self._wanted: dict[Digest, tuple[Repository, Descriptor]] = {}
        streamed = {blob.digest for blob in index.blobs if blob.kind in kinds}
        for image in gathered:
            for descriptor, _ in image.blobs:
                if descriptor.digest in streamed:
                    self._wanted.setdefault(descriptor.digest, (image.repository, descriptor))
        layers = [layer.digest for image in gathered for one in image.platforms for layer in one.manifest.layers]
        self._layers = dict.fromkeys(layers, LayerContent(problem="it was not scanned"))
        self._total = sum(blob.size for digest, blob in self._stored.items() if digest in self._wanted)
        self._done, self._lock = 0, threading.Lock()
        self._found = self._found_bytes = 0
        """Blobs that did not have to be fetched."""
        self._is_over = threading.Event()

    def run(self, writer: DeliveryWriter) -> None:
        """Stream everything, the largest first; the first failure stops the others."""
        largest_first = sorted(self._wanted.items(), key=lambda item: (-item[1][1].size, item[0]))
        with ThreadPoolExecutor(max_workers=STREAMS_AT_ONCE) as pool:
            waiting = [pool.submit(self._move, writer, digest, *where) for digest, where in largest_first]
            try:
                wait(waiting, return_when=FIRST_EXCEPTION)
            finally:
                self._is_over.set()
                pool.shutdown(cancel_futures=True)
        failed = [error for one in waiting if not one.cancelled() and (error := one.exception()) is not None]
        for error in sorted(failed, key=lambda error: isinstance(error, InterruptedRunError)):
            raise error
        if self._found:
            wanted = sum(digest in self._stored for digest in self._wanted)
            shown = f"{self._found} of {wanted} layers, {shown_bytes(self._found_bytes)}"
            self._report(Notice(f"{shown}, were available from earlier exports"))

    def contents(self) -> list[ImageContent]:
        """Return what is installed in each image."""
        found = []
        for image in self._gathered:
            for one in image.platforms:
                layers = [self._layers[layer.digest] for layer in one.manifest.layers]
                packages, distribution, problems = installed(layers)
                found.append(
                    ImageContent(
                        ref=one.ref,
                        digest=one.manifest.digest,
                        platform=one.platform,
                        labels=one.labels,
                        packages=packages,
                        distribution=distribution,
                        problems=problems,
                    )
                )
        return found

    def _move(self, writer: DeliveryWriter, digest: Digest, repository: Repository, descriptor: Descriptor) -> None:
        if digest not in self._stored:
            self._look_into_base(digest)
        elif not self._is_at_hand(writer, digest):
            with self._looking_into(digest, descriptor.size) as look:
                writer.stream(digest, self._counted(self._source.blob(repository, descriptor), look))

    @contextmanager
    def _looking_into(self, digest: Digest, size: int) -> Iterator[Callable[[bytes], None]]:
        """Yield what takes the pieces of a blob; what they hold counts once the block came to its end."""
        if digest not in self._layers:
            yield _ignore
            return
        scan = self._scans.begin(size, is_stopped=self._is_ending)
        try:
            yield scan.feed
            self._layers[digest] = scan.content()
        except ChildStoppedError as error:
            raise self._interruption() from error
        finally:
            scan.close()

    def _is_at_hand(self, writer: DeliveryWriter, digest: Digest) -> bool:
        """Take a blob from where an earlier export left it; what is not what its digest says counts as nothing."""
        ways = [partial(self._take_up, writer)] if writer.holds(digest) else []
        ways += [partial(self._copy, writer, one) for one in self._at_hand if one.has(digest)]
        if not any(way(digest) for way in ways):
            return False
        size = self._stored[digest].size
        with self._lock:
            self._found, self._found_bytes = self._found + 1, self._found_bytes + size
        self._count(size)
        return True

    def _take_up(self, writer: DeliveryWriter, digest: Digest) -> bool:
        try:
            with self._looking_into(digest, self._stored[digest].size) as look:
                for _ in self._checked(digest, writer.kept(digest), look):
                    pass
        except _OtherContentError:
            return False
        writer.take_up(digest)
        return True

    def _copy(self, writer: DeliveryWriter, earlier: Delivery, digest: Digest) -> bool:
        try:
            with self._looking_into(digest, self._stored[digest].size) as look:
                writer.stream(digest, self._checked(digest, earlier.chunks(digest), look))
        except (_OtherContentError, DeliveryError):
            return False
        return True

    def _checked(self, digest: Digest, pieces: Iterable[bytes], look: Callable[[bytes], None]) -> Iterator[bytes]:
        hashed = hashlib.sha256()
        for piece in pieces:
            self._stop_if_asked()
            hashed.update(piece)
            look(piece)
            yield piece
        if f"sha256:{hashed.hexdigest()}" != digest:
            raise _OtherContentError

    def _look_into_base(self, digest: Digest) -> None:
        """Look through a layer that is not carried, so that the SBOM of a delta says as much as any other."""
        if digest not in self._layers:
            return
        if self._base is None or not self._base.has(digest):
            self._layers[digest] = LayerContent(problem="it is in the base's own base")
            return
        size = next(blob.size for blob in self._base.index.blobs if blob.digest == digest)
        with self._looking_into(digest, size) as look:
            for piece in self._base.chunks(digest):
                self._stop_if_asked()
                look(piece)

    def _counted(self, pieces: Iterable[bytes], look: Callable[[bytes], None]) -> Iterator[bytes]:
        for piece in pieces:
            self._stop_if_asked()
            yield piece
            look(piece)
            self._count(len(piece))

    def _count(self, size: int) -> None:
        with self._lock:
            self._done += size
            done = self._done
        self._report(BytesMoved("exporting", done, self._total))

    def _stop_if_asked(self) -> None:
        if self._is_ending():
            raise self._interruption()

    def _is_ending(self) -> bool:
        return self._is_stopped() or self._is_over.is_set()

    @staticmethod
    def _interruption() -> InterruptedRunError:
        found = "nothing got its final name"
        return InterruptedRunError("exporting", context=[found], hint="run the same command again")


def _ignore(piece: bytes) -> None:
    """Look into nothing: this is not a layer."""
