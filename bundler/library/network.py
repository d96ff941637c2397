"""Which servers a session may reach, and the fence that holds it to them. Layer: library."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from bundler import http
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.http.fence import Fence


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRules:
    """Which servers a session may reach, and how it speaks to registries.

    The API server of the session, and the registry of a site file that was read, may always be reached.

    Example:
        >>> from bundler import NetworkRules, SessionOptions
        >>> options = SessionOptions(network=NetworkRules(offline=True))
        >>> options.network.is_offline(default=False)
        True
    """

    offline: bool | None = False
    """True: nothing else is reached. None: nothing else once a delivery (``.bundle``) is opened. False: any server."""
    registry_ca: Path | None = None
    """PEM file of the authority that registries are trusted by, in addition to those of the system."""
    insecure_http: tuple[str, ...] = ()
    """Registries (``host:port``) that are connected to without TLS."""

    def is_offline(self, *, default: bool) -> bool:
        """Return whether a call may reach nothing but the cluster and the site's registry.

        Args:
            default: what holds where `offline` is None.
        """
        return default if self.offline is None else self.offline


class Network:
    """The network of one session: its rules, and the one fence that holds its connections to them."""

    def __init__(self, rules: NetworkRules, *, holds_process: bool = False) -> None:
        """Make it; nothing is reached or refused yet.

        Args:
            rules: which servers may be reached.
            holds_process: the process serves this session alone, so that the fence holds all of its connections.
        """
        self.rules = rules
        self.site_hosts: frozenset[str] = frozenset()
        """The registries of the site files that were read."""
        self._holds_process = holds_process
        self._fence: Fence | None = None

    @property
    def fence(self) -> Fence:
        """Of this session alone; made when it is first asked for."""
        if self._fence is None:
            self._fence = http.fence.Fence()
        return self._fence

    def stay_offline(self, *, default: bool, named: frozenset[str] = frozenset()) -> None:
        """Let this session reach nothing but what is named from now on, if it is offline.

        Args:
            default: what holds where the rules leave it open.
            named: more servers that may be reached.
        """
        if self.rules.is_offline(default=default):
            self.fence.name(*named, *self.site_hosts)
            self.fence.put_up(holds_process=self._holds_process)

    def surrounding(self) -> AbstractContextManager[None]:
        """Mark what is called inside as this session's, so that libraries are held to its fence too."""
        if self._holds_process or self.rules.offline is False:
            return nullcontext()
        return self.fence.surrounding()

    def close(self) -> None:
        """Take the fence down."""
        if self._fence is not None:
            self._fence.take_down()
