"""Sessions of the library on a cluster that a test brings along."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from bundler import Session, SessionOptions
from bundler.errors.delivery import OfflineError
from bundler.http.proxy import parse_server
from bundler.library.network import Network, NetworkRules
from bundler.library.options import Host
from bundler.library.scope import Scope
from bundler.model.redaction import Redactor

if TYPE_CHECKING:
    from bundler.ports import Clock, ClusterClient

_NO_RULES = NetworkRules()


def session_on(
    cluster: ClusterClient,
    clock: Clock,
    namespace: str,
    redactor: Redactor | None = None,
    *,
    timeout_s: float = 120.0,
    rules: NetworkRules = _NO_RULES,
) -> Session:
    host = Host(clock=clock, redactor=redactor or Redactor(), closing=ExitStack())
    options = SessionOptions(namespace=namespace, timeout_s=timeout_s)
    return Session(Scope(options, host, Network(rules), lambda _: (cluster, namespace)))


def reaches_anything(session: Session) -> bool:
    """Return whether a session lets a server pass that no one named."""
    try:
        session.scope.network.fence.check(parse_server("https://elsewhere.example"))
    except OfflineError:
        return False
    return True
