"""The server and the proxy that a kubeconfig names. Layer: adapter, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.cluster import KubeconfigError
from bundler.http import proxy as addresses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.http.proxy import Address, Proxy


def parse_server(url: str) -> Address:
    """Split a server URL.

    Raises:
        KubeconfigError: when it is not an http or https URL.
    """
    try:
        return addresses.parse_server(url)
    except addresses.AddressError as error:
        hint = "correct `server` of the cluster in the kubeconfig"
        raise KubeconfigError("reading the server's address", context=[str(error)], hint=hint) from error


def choose_proxy(server: Address, *, configured: str, env: Mapping[str, str]) -> Proxy | None:
    """Return the proxy to use; the kubeconfig's ``proxy-url`` wins over the environment and its NO_PROXY.

    Args:
        server: to reach.
        configured: ``proxy-url`` of the kubeconfig; empty without one.
        env: environment variables.

    Raises:
        KubeconfigError: when the proxy is of a kind that is not supported.
    """
    try:
        if configured:
            return addresses.parse_proxy(configured, named_by="proxy-url of the kubeconfig")
        return addresses.proxy_from_environment(server, env)
    except addresses.AddressError as error:
        raise KubeconfigError("reading the proxy's address", context=[str(error)], hint=error.hint) from error
