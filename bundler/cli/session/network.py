"""What one run may reach, and how: options of the command line as values. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.library.network import NetworkRules
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """What is typed of servers."""

    takes_offline: bool = False
    """The verb has ``--offline``."""
    offline: bool | None = None
    """What ``--offline`` says; None where it is not given."""
    registry_ca: Path | None = None
    insecure_http: tuple[str, ...] = ()

    @property
    def rules(self) -> NetworkRules:
        """What holds for this run; verbs without ``--offline`` reach what they must."""
        return NetworkRules(
            offline=self.offline if self.takes_offline else False,
            registry_ca=self.registry_ca,
            insecure_http=self.insecure_http,
        )
