"""Ask a token server, wherever a registry says it is. Layer: adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.delivery import RegistryError
from bundler.model.lean import replace
from bundler.oci.session import MAX_REDIRECTS, next_place, url_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.oci.hosts import Hosts
    from bundler.oci.requests import Answer, OciRequest


def ask_token_server(hosts: Hosts, host: str, request: OciRequest, headers: Mapping[str, str]) -> Answer:
    """Return its answer, whatever the status. Who we are is given to the server that the registry named, and no other.

    Args:
        hosts: how servers are reached.
        host: of the registry on whose behalf it is asked.
        request: to a whole URL.
        headers: that say who we are.

    Raises:
        RegistryError: when it cannot be reached, or sends us to another server.
    """
    transport, target = hosts.away(request.target, host)
    named = transport.server.authority
    for _ in range(MAX_REDIRECTS):
        answer = transport.send(replace(request, target=target), headers)
        url = url_of(transport, target)
        location = next_place(request.method, answer.status, answer.headers)
        if not location:
            return answer
        transport, target = hosts.away(hosts.joined(url, location, host), host)
        other = transport.server.authority
        if other != named and (headers or request.body):
            found = f"the token server {named} sends us on to {other}, which is not told who we are"
            raise RegistryError(request.doing, context=[found], hint=f"check the token server of {host}")
    found = f"the token server {named} sends us on more than {MAX_REDIRECTS} times"
    raise RegistryError(request.doing, context=[found], hint=f"check the token server of {host}")
