"""Which servers may be spoken to at all. Layer: adapter foundation, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors import OfflineError
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.http.proxy import Address


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets nothing pass but what is named: ``--offline``."""

    allowed: frozenset[str]
    """``host:port`` or ``host``, as the user names a registry."""

    def check(self, server: Address) -> None:
        """Let a server pass.

        Raises:
            OfflineError: when it is not named.
        """
        if server.authority in self.allowed or server.host in self.allowed:
            return
        named = ", ".join(sorted(self.allowed)) or "no server"
        raise OfflineError(
            f"connecting to {server.authority}",
            context=[f"offline, {named} may be reached and nothing else"],
            hint="import what is missing into the site's registry, or leave --offline out where there is a way",
        )
