"""A ClusterClient whose writer is overtaken: what controllers do to an object that has just changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lib.faulty import FaultyCluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.model.cluster import Answer, Payload
    from bundler.model.refs import ObjectRef
    from bundler.ports import ClusterClient


class OvertakenCluster(FaultyCluster):
    """Someone else writes an object right before it is replaced, a few times."""

    def __init__(
        self, cluster: ClusterClient, write: Callable[[ObjectRef, int], object], *, kind: str, times: int
    ) -> None:
        """Call ``write`` with the object, and how many times it is still to be called."""
        super().__init__(cluster)
        self._write, self._kind, self._times_left = write, kind, times

    def replace(self, payload: Payload, *, is_dry_run: bool = False) -> Answer:
        if payload.ref.kind == self._kind and self._times_left:
            self._times_left -= 1
            self._write(payload.ref, self._times_left)
        return super().replace(payload, is_dry_run=is_dry_run)
