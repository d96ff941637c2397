"""A transport for each server, made when it is first needed. Layer: adapter."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from bundler.errors.delivery import RegistryError
from bundler.http.certificates import issuer_of
from bundler.http.dial import Dialer, Pool
from bundler.http.proxy import Address, AddressError, parse_server, proxy_from_environment
from bundler.http.retry import MAX_WHY_CHARS, folded
from bundler.http.tls import ssl_reason, strict_context, trust
from bundler.oci.errors import unavailable, untrusted
from bundler.oci.settings import DOCKER_HUB, DOCKER_HUB_API
from bundler.oci.transport import Transport

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from bundler.http.client_config import ClientConfig
    from bundler.http.retry import Failure
    from bundler.oci.settings import HostSettings, RegistrySettings


_CHECK: Final = "check the registry, and the proxy in front of it"


class Hosts:
    """Transports by server. Threads may share it."""

    def __init__(self, settings: RegistrySettings, around: ClientConfig) -> None:
        self._settings, self._around = settings, around
        self._transports: dict[Address, Transport] = {}
        self._contexts: dict[tuple[Path | None, ...], ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def address_of(self, host: str) -> Address:
        """Return where a registry listens, by its name in references.

        Raises:
            RegistryError: when that is not a name of a host.
        """
        scheme = "http" if self._settings.of(host).uses_plain_http else "https"
        url = f"{scheme}://{DOCKER_HUB_API if host == DOCKER_HUB else host}"
        return _parsed(url, f"looking for the registry {host}", hint="name a registry as HOST or HOST:PORT")

    def at(self, server: Address, host: str) -> Transport:
        """Return the transport for a server; ``host`` is the registry on whose behalf it is connected to.

        Raises:
            RegistryError: when the proxy for it cannot be used.
        """
        with self._lock:
            if server not in self._transports:
                self._transports[server] = self._opened(server, host)
            return self._transports[server]

    def joined(self, base: str, location: str, host: str) -> str:
        """Return the URL that a location means next to another one.

        Args:
            base: URL to resolve against.
            location: absolute or relative.
            host: of the registry.

        Raises:
            RegistryError: when that is not a URL.
        """
        try:
            return urljoin(base, location)
        except ValueError as error:
            raise RegistryError(_following(host, location), context=[str(error)], hint=_CHECK) from error

    def away(self, url: str, host: str) -> tuple[Transport, str]:
        """Return the transport and the target for a URL that a registry names.

        Raises:
            RegistryError: when the URL cannot be used, or leaves TLS though the registry has it.
        """
        server = _parsed(url, _following(host, url), hint=_CHECK)
        if server.scheme == "http" and not self._settings.of(host).uses_plain_http:
            raise RegistryError(
                f"following {host} to {server.authority}",
                context=["it names a server without TLS"],
                hint=f"pass --insecure-http {host} if that is intended",
            )
        return self.at(Address(server.scheme, server.host, server.port, ""), host), target_of(url)

    def close(self) -> None:
        """Close every kept connection."""
        with self._lock:
            for transport in self._transports.values():
                transport.close()

    def _opened(self, server: Address, host: str) -> Transport:
        try:
            proxy = proxy_from_environment(server, self._around.env)
        except AddressError as error:
            raise RegistryError(f"reading the proxy for {host}", context=[str(error)], hint=error.hint) from error
        name = server.authority
        own, its = self._settings.of(name), self._settings.of(host)
        authority = own.authority_file or its.authority_file
        # Who we are is shown to the registry, not to where it sends us.
        shown = its if server == self.address_of(host) else own
        gate, fence = self._around.gate, self._around.fence
        dial = Dialer(server, proxy=proxy, tls=lambda: self._context(authority, shown), gate=gate, fence=fence)

        def give_up(doing: str, failure: Failure, tries: int) -> RegistryError:
            shown = host if server.host in host or host == DOCKER_HUB else f"{server.authority}, for {host}"
            if failure.is_trust:
                issuer = issuer_of(dial)
                return untrusted(doing, shown, failure.why, issuer=issuer, settings=self._settings)
            speaks_plain = server.scheme == "https" and failure.is_plain
            return unavailable(doing, shown, failure, tries=tries, speaks_plain=speaks_plain)

        return Transport(server, pool=Pool(dial), around=self._around, give_up=give_up)

    def _context(self, authority: Path | None, shown: HostSettings) -> ssl.SSLContext:
        key = (authority, shown.client_certificate, shown.client_key)
        with self._lock:
            if key not in self._contexts:
                self._contexts[key] = _made(authority, shown)
            return self._contexts[key]


def _parsed(url: str, doing: str, *, hint: str) -> Address:
    try:
        return parse_server(url)
    except AddressError as error:
        raise RegistryError(doing, context=[folded(str(error), MAX_WHY_CHARS)], hint=hint) from error


def _following(host: str, place: str) -> str:
    return f"following {host} to {folded(place, MAX_WHY_CHARS)}"


def target_of(url: str) -> str:
    """Return path and query of a URL."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _made(authority: Path | None, shown: HostSettings) -> ssl.SSLContext:
    context = strict_context()
    context.load_default_certs()
    if authority is not None:
        try:
            trust(context, authority.read_bytes())
        except (OSError, ValueError) as error:
            raise RegistryError(
                "reading the certificate authority of the registry",
                context=[f"{authority}: {ssl_reason(error)}"],
                hint="name a file of PEM certificates",
            ) from error
    if shown.client_certificate is not None:
        try:
            context.load_cert_chain(shown.client_certificate, shown.client_key, password=_no_passphrase)
        except (OSError, ValueError) as error:
            raise RegistryError(
                "reading the client certificate for the registry",
                context=[f"{shown.client_certificate}: {ssl_reason(error)}"],
                hint="name PEM files of a certificate and its key, the key without a passphrase",
            ) from error
    return context


def _no_passphrase() -> str:
    """Answer OpenSSL, which would ask on the terminal."""
    raise ValueError("the key has a passphrase")
