"""A ClusterClient of a server that says a little later than the definition of a kind that it serves the kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lib.faulty import FaultyCluster

if TYPE_CHECKING:
    from bundler.model.refs import ResourceType
    from bundler.ports import ClusterClient


class LateDiscovery(FaultyCluster):
    """Leaves a group out of its first answers."""

    def __init__(self, cluster: ClusterClient, *, group: str, answers: int) -> None:
        """Leave ``group`` out of so many answers."""
        super().__init__(cluster)
        self._group, self._answers = group, answers
        self.held_back: list[str] = []
        """The kinds that were left out; one list for all copies of this client."""

    def resource_type(self, group: str, kind: str, version: str = "") -> ResourceType | None:
        found = super().resource_type(group, kind, version)
        if group != self._group or found is None or len(self.held_back) == self._answers:
            return found
        self.held_back.append(kind)
        return None
