"""What one run may reach, and how: options of the command line as values. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.http.fence import Fence


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """What is typed of servers."""

    takes_offline: bool = False
    """The verb has ``--offline``."""
    offline: bool | None = None
    """What ``--offline`` says; None where it is not given."""
    registry_ca: Path | None = None
    insecure_http: tuple[str, ...] = ()

    def is_offline(self, *, default: bool) -> bool:
        """Tell whether this run may reach nothing but the cluster and the site's registry."""
        return default if self.offline is None else self.offline


class Network:
    """The network of one run: its options, and the one fence that holds its connections to them."""

    def __init__(self, options: NetworkOptions) -> None:
        self.options = options
        self.site_hosts: frozenset[str] = frozenset()
        """The registries of the site file, which ``--offline`` lets pass."""
        self._fence: Fence | None = None

    @property
    def fence(self) -> Fence:
        """Of this run alone; made when it is first asked for."""
        if self._fence is None:
            from bundler.http.fence import Fence  # noqa: PLC0415 - most runs reach no server

            self._fence = Fence()
        return self._fence
