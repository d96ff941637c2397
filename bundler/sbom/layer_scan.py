"""Look into layers while they are written elsewhere. Layer: sbom; child processes do the reading."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Self

from bundler.isolation.child import Child, ChildEndedError
from bundler.isolation.fork_server import ForkServer
from bundler.isolation.limits import WorkLimits
from bundler.sbom.layer import LayerContent, decode_layer, encode_question

_LEAST_CPU_S: Final = 60
_BYTES_PER_CPU_S: Final = 4 * 1024 * 1024
"""Unpacking takes in ten times as much and more."""


class LayerScans:
    """Where layers are looked into, each in a process of its own. Threads may share it."""

    def __init__(self, *, are_wanted: bool, places: frozenset[str] = frozenset()) -> None:
        """Start the program that makes the processes; it gets ready while manifests are asked for.

        Args:
            are_wanted: whether there is anything to look into.
            places: paths in the image of which it is asked, besides packages, what is there.
        """
        self._server: ForkServer | None = None
        self._question = encode_question(places)
        self._problem = ""
        if not are_wanted:
            return
        try:
            self._server = ForkServer("bundler.sbom.scan:scan_layer")
        except OSError as error:
            self._problem = _no_process(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._server is not None:
            self._server.close()

    def read(self, pieces: Iterable[bytes], size: int, *, is_stopped: Callable[[], bool]) -> LayerContent:
        """Return what a layer holds.

        Args:
            pieces: of the layer, packed as it is.
            size: of the layer, packed.
            is_stopped: asked while the reading is waited for.

        Raises:
            ChildStoppedError: when the run was asked to stop.
        """
        scan = self.begin(size, is_stopped=is_stopped)
        try:
            for piece in pieces:
                scan.feed(piece)
            return scan.content()
        finally:
            scan.close()

    def begin(self, size: int, *, is_stopped: Callable[[], bool]) -> LayerScan:
        """Return what takes the next layer.

        Args:
            size: of the layer, packed; the larger, the longer it may take.
            is_stopped: asked while the reading is waited for.
        """
        if self._server is None:
            return LayerScan(self._problem)
        limits = WorkLimits(cpu_s=_LEAST_CPU_S + size // _BYTES_PER_CPU_S)
        try:
            child = Child(self._server, limits, is_stopped=is_stopped)
        except OSError as error:
            return LayerScan(_no_process(error))
        child.feed(self._question)
        return LayerScan(child)


class LayerScan:
    """Takes a layer's bytes as they pass; no one has compared them with their digest yet."""

    def __init__(self, reader: Child | str) -> None:
        """Begin.

        Args:
            reader: the process that reads it, or why there is none.
        """
        self._child = reader if isinstance(reader, Child) else None
        self._problem = reader if isinstance(reader, str) else ""

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the layer, packed as it is.

        Raises:
            ChildStoppedError: when the run was asked to stop.
        """
        if self._child is not None:
            self._child.feed(piece)

    def content(self) -> LayerContent:
        """Return what the layer holds, once all of it was fed.

        Raises:
            ChildStoppedError: when the run was asked to stop.
        """
        if self._child is None:
            return LayerContent(problem=self._problem)
        try:
            return decode_layer(self._child.answer())
        except ChildEndedError as error:
            return LayerContent(problem=str(error))

    def close(self) -> None:
        """End the reading."""
        if self._child is not None:
            self._child.close()


def _no_process(error: OSError) -> str:
    return f"no process can be started to read it: {error.strerror or error}"
