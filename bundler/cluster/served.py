"""Ask a server what it serves. Layer: adapter."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bundler.cluster.discovery import (
    ACCEPT,
    Catalogue,
    group_versions,
    is_aggregated,
    read_aggregated,
    read_resource_list,
    unavailable_in,
)
from bundler.cluster.request import Request
from bundler.concurrency import in_parallel
from bundler.errors.cluster import ClusterError, UnauthorizedError, UnavailableError

if TYPE_CHECKING:
    from bundler.cluster.transport import Transport
    from bundler.model.json import Body
    from bundler.model.refs import ResourceType

_SUBJECT = "what the server offers (discovery)"


def fetch_catalogue(transport: Transport) -> Catalogue:
    """Ask for everything that is served: two requests where the server knows aggregated discovery (1.27).

    Raises:
        ClusterError: what the server answers.
    """
    core, groups = in_parallel(partial(_ask, transport, "/api", ACCEPT), partial(_ask, transport, "/apis", ACCEPT))
    if core is not None and groups is not None and is_aggregated(core) and is_aggregated(groups):
        return Catalogue([*read_aggregated(core), *read_aggregated(groups)], unavailable=unavailable_in(groups))
    found = {version: _types_of(transport, version) for version in ["v1", *group_versions(groups or {})]}
    types = [one for kinds in found.values() for one in kinds or ()]
    return Catalogue(types, unavailable=(version for version, kinds in found.items() if kinds is None))


def _types_of(transport: Transport, version: str) -> list[ResourceType] | None:
    """Return the kinds of one version; None where its own server does not answer: that matters to its users only."""
    path = f"/apis/{version}" if "/" in version else f"/api/{version}"
    try:
        document = _ask(transport, path, "application/json")
    except (UnavailableError, UnauthorizedError):
        raise
    except ClusterError:
        return None
    return read_resource_list(document) if document is not None else []


def _ask(transport: Transport, path: str, accept: str) -> Body | None:
    """Return an answer; None where the path does not exist, or not in a form that we know."""
    request = Request(method="GET", target=path, accept=accept, subject=_SUBJECT, is_large=True)
    reply = transport.send(request)
    return None if reply.status in {404, 406} else transport.body_of(request, reply)
