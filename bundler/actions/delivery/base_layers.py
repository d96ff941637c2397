"""Bring the layers of a base near and look into them. Layer: actions.

A layer that is far away comes once: into the layout that is written, or into a temporary one on its way to a
registry of another host. Where it only has to be mounted, it is read and not kept.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from bundler.concurrency import map_parallel
from bundler.errors import InterruptedRunError
from bundler.isolation.child import ChildStoppedError
from bundler.model.events import BytesMoved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bundler.actions.delivery.base_image import Base
    from bundler.delivery.layout_target import LayoutTarget
    from bundler.model.digest import Digest
    from bundler.model.oci import BlobSource, Descriptor, Repository
    from bundler.ports import Reporter
    from bundler.sbom.layer import LayerContent
    from bundler.sbom.layer_scan import LayerScans

_AT_ONCE: Final = 4


class BaseLayers:
    """The layers of one base; what is kept of them on the way is gone when it is closed."""

    def __init__(
        self, base: Base, stage: LayoutTarget | None, *, report: Reporter, is_stopped: Callable[[], bool]
    ) -> None:
        """Read nothing yet.

        Args:
            base: where they are.
            stage: the layout that they come into; None: they are read where they are.
            report: receives progress.
            is_stopped: asked between pieces; True ends the run.
        """
        self._base, self._stage = base, stage
        self._report, self._is_stopped = report, is_stopped
        self._lock = threading.Lock()
        self._done = self._total = 0

    def look_into(self, layers: Sequence[Descriptor], scans: LayerScans) -> dict[Digest, LayerContent]:
        """Return what each layer holds.

        Args:
            layers: of all platforms; one that is there twice is read once.
            scans: reads them, in processes of their own.

        Raises:
            ContentMismatchError: when one is not what its digest says.
            RegistryError, ExportError: when one cannot be read.
            InterruptedRunError: when the run was asked to stop.
        """
        unique = list({layer.digest: layer for layer in layers}.values())
        self._total = sum(layer.size for layer in unique)
        found = map_parallel(lambda layer: self._look(layer, scans), unique, at_once=_AT_ONCE)
        return {layer.digest: content for layer, content in zip(unique, found, strict=True)}

    def source(self, layer: Descriptor) -> BlobSource:
        """Return a source of a layer, for the registry that it goes to."""

        def pieces(offset: int) -> Iterator[bytes]:
            at = 0
            for piece in self._near(layer):
                if at + len(piece) > offset:
                    yield piece[max(offset - at, 0) :]
                at += len(piece)

        return pieces

    def mount_from(self, repository: Repository) -> str:
        """Return the repository that a registry may mount layers from; empty where it is on another host."""
        base = self._base.repository
        return base.name if base.host == repository.host and base != repository else ""

    def _look(self, layer: Descriptor, scans: LayerScans) -> LayerContent:
        if self._stage is not None:
            self._stage.put_blob(self._base.repository, layer, lambda _: self._counted(self._far(layer)))
        pieces = self._near(layer) if self._stage is not None else self._counted(self._far(layer))
        try:
            return scans.read(pieces, layer.size, is_stopped=self._is_stopped)
        except ChildStoppedError as error:
            raise _interruption() from error

    def _near(self, layer: Descriptor) -> Iterator[bytes]:
        return self._far(layer) if self._stage is None else self._stage.blob(self._base.repository, layer)

    def _far(self, layer: Descriptor) -> Iterator[bytes]:
        return self._base.source.blob(self._base.repository, layer)

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            if self._is_stopped():
                raise _interruption()
            yield piece
            with self._lock:
                self._done += len(piece)
                done = self._done
            self._report(BytesMoved("reading the base", done, self._total))


def _interruption() -> InterruptedRunError:
    found = "nothing was named by the tag"
    return InterruptedRunError("making the image", context=[found], hint="run the same command again")
