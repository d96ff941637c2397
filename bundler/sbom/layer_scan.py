"""Look into a layer while it is written elsewhere. Layer: sbom; a child process does the reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.isolation.child import Child, ChildEndedError
from bundler.isolation.limits import WorkLimits
from bundler.sbom.layer import LayerContent, decode_layer

if TYPE_CHECKING:
    from collections.abc import Callable

_LEAST_CPU_S: Final = 60
_BYTES_PER_CPU_S: Final = 4 * 1024 * 1024
"""Unpacking takes in ten times as much and more."""


class LayerScan:
    """Takes a layer's bytes as they pass; nobody has compared them with their digest yet."""

    def __init__(self, size: int, *, is_stopped: Callable[[], bool]) -> None:
        """Begin.

        Args:
            size: of the layer, packed; the larger, the longer it may take.
            is_stopped: asked while the reading is waited for.
        """
        limits = WorkLimits(cpu_s=_LEAST_CPU_S + size // _BYTES_PER_CPU_S)
        self._child: Child | None = None
        self._problem = ""
        try:
            self._child = Child("bundler.sbom.scan:scan_layer", limits, is_stopped=is_stopped)
        except OSError as error:
            self._problem = f"no process can be started to read it: {error.strerror or error}"

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
