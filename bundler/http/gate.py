"""Which servers may be connected to at all. Layer: adapter foundation, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.delivery import OfflineError
from bundler.model.digits import parse_digits
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from bundler.http.proxy import Address

_IMPORT_HINT = "import what is missing into the site's registry, or leave --offline out where there is a way"


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
        if server.authority not in self.allowed and server.host not in self.allowed:
            raise self.refusal(f"connecting to {server.authority}")

    def admits(self, host: str, port: int | None, *, resolve: Callable[[str], Collection[str]]) -> bool:
        """Return whether a host, or one of its addresses, is that of a server that is named.

        Args:
            host: a name, or an address of IP.
            port: at that host; None: any.
            resolve: returns the addresses of a name; only asked about names that are allowed, at that port.
        """
        wanted = _plain(host)
        for named, only in map(_split, self.allowed):
            if (port is None or only in {None, port}) and (
                wanted == _plain(named) or wanted in map(_plain, resolve(named))
            ):
                return True
        return False

    def refusal(self, doing: str, *, hint: str = _IMPORT_HINT) -> OfflineError:
        """Return the error that says what may be reached."""
        named = ", ".join(sorted(self.allowed)) or "no server"
        return OfflineError(doing, context=[f"offline, {named} may be reached and nothing else"], hint=hint)


def _split(named: str) -> tuple[str, int | None]:
    """Return host and port of ``host``, ``host:port``, ``[::1]:port`` or ``::1``."""
    if named.startswith("["):
        host, _, rest = named[1:].partition("]")
        port = rest.removeprefix(":")
    else:
        host, _, port = named.partition(":") if named.count(":") == 1 else (named, "", "")
    return host, parse_digits(port)


def _plain(host: str) -> str:
    """Return a host as it can be compared: no case, no dot at its end, no zone, no version 4 dressed as version 6."""
    return host.lower().rstrip(".").partition("%")[0].removeprefix("::ffff:")
