"""Which proxy, if any, stands between us and a server. Layer: adapter foundation, pure.

Source: golang.org/x/net/http/httpproxy, the rules that kubectl and container engines follow.
"""

from __future__ import annotations

import base64
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping


class AddressError(Exception):
    """An address that cannot be used; the text says what was found."""

    def __init__(self, found: str, *, hint: str) -> None:
        super().__init__(found)
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy that opens tunnels (CONNECT)."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)
    """Value of Proxy-Authorization; empty where none is needed."""
    named_by: str = ""
    """Where it is set: ``HTTPS_PROXY``, ``proxy-url of the kubeconfig``."""

    def __str__(self) -> str:
        where = f" ({self.named_by})" if self.named_by else ""
        return f"the proxy {self.host}:{self.port}{where}"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    scheme: str
    host: str
    port: int
    prefix: str
    """Path that comes before every request path (Rancher has one); without a slash at its end."""

    @property
    def authority(self) -> str:
        """Host and port as the Host header and CONNECT want them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_server(url: str) -> Address:
    """Split a server URL.

    Raises:
        AddressError: when it is not an http or https URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise AddressError(f"server {url!r} is not an http or https URL", hint="write it as https://HOST:PORT")
    return Address(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))


def proxy_from_environment(server: Address, env: Mapping[str, str]) -> Proxy | None:
    """Return the proxy that HTTPS_PROXY or HTTP_PROXY names, unless NO_PROXY excepts the server.

    Raises:
        AddressError: when the proxy is of a kind that is not supported.
    """
    upper = f"{server.scheme.upper()}_PROXY"
    name = upper if env.get(upper) else upper.lower()
    url = env.get(name, "")
    if not url or is_excepted(server.host, server.port, env.get("NO_PROXY") or env.get("no_proxy") or ""):
        return None
    return parse_proxy(url, named_by=name)


def parse_proxy(url: str, *, named_by: str) -> Proxy:
    """Read a proxy's URL; ``named_by`` says where it was given, for messages that must not show its password.

    Raises:
        AddressError: when it is not an http proxy.
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressError(f"{named_by} is not a URL", hint="write it as http://HOST:PORT") from error
    if parts.scheme != "http" or not host:
        raise AddressError(
            f"{named_by} names a {parts.scheme or 'nameless'} proxy at {host or 'no host'}; only http is supported",
            hint="give an http proxy (http://HOST:PORT), or except the server from it with NO_PROXY",
        )
    authorization = ""
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(login.encode()).decode()
    return Proxy(host=host, port=port or 80, authorization=authorization, named_by=named_by)


def is_excepted(host: str, port: int, no_proxy: str) -> bool:
    """Return whether a host is reached without the proxy: loopback always, and what NO_PROXY lists.

    Args:
        host: of the server.
        port: of the server.
        no_proxy: as the variable NO_PROXY lists them.
    """
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(
        _matches(rule.strip().lower(), host.lower(), port, address) for rule in no_proxy.split(",") if rule.strip()
    )


def _matches(rule: str, host: str, port: int, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    if rule == "*":
        return True
    if "/" in rule:
        return address is not None and _is_in_network(address, rule)
    exact = _address(rule)
    if exact is not None:
        return exact == address
    rule, _, rule_port = rule.partition(":") if not rule.startswith("[") else _split_bracketed(rule)
    if rule_port and rule_port != str(port):
        return False
    exact = _address(rule)
    if exact is not None:
        return exact == address
    domain = rule.removeprefix("*")
    return host.endswith(domain) if domain.startswith(".") else host == domain or host.endswith(f".{domain}")


def _split_bracketed(rule: str) -> tuple[str, str, str]:
    inner, _, rest = rule[1:].partition("]")
    return inner, ":", rest.removeprefix(":")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def _is_in_network(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
