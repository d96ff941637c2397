"""Open connections and keep them. Layer: adapter foundation."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

from bundler.http.fence import checked
from bundler.http.wire import Connection, TimeLimits, WireError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.http.fence import Fence
    from bundler.http.gate import Gate
    from bundler.http.proxy import Address, Proxy

CONNECT_TIMEOUT_S = 5.0
CONNECT_TOTAL_S = 15.0
"""For all addresses of a name together."""
MAX_IDLE = 16
CHECK_AFTER_IDLE_S = 1.0
IDLE_MOST_S = 15.0
"""A connection that was idle for longer is not used again: it may be dead, and finding that out takes longer than a new
one."""
KEEPALIVE_S = 15
"""Of silence until the peer is asked whether it is still there."""
PROBE_S = 5
PROBES = 3
"""That a peer may leave unanswered, one every ``PROBE_S``, before it is taken for gone."""


class ProxyError(WireError):
    """The proxy refuses the tunnel; trying again would not help."""


class DeadProxyError(WireError):
    """The proxy cannot be reached, breaks off, or cannot reach the server; that may pass."""


class Dialer:
    """Opens connections to one server, directly or through a proxy."""

    def __init__(
        self,
        server: Address,
        *,
        proxy: Proxy | None,
        tls: Callable[[], ssl.SSLContext],
        server_name: str = "",
        gate: Gate | None = None,
        fence: Fence | None = None,
    ) -> None:
        """Remember the way; nothing is opened yet.

        Args:
            server: to connect to.
            proxy: that opens the tunnel, where there is one.
            tls: returns the context for an https server; called for each connection, so it should keep what it made.
            server_name: that the certificate must show, where it is not the server's host.
            gate: refuses servers that may not be connected to; None lets everything pass.
            fence: of the run that this connection belongs to; None lets everything pass.
        """
        self._server, self._proxy, self._tls = server, proxy, tls
        self._server_name, self._gate, self._fence = server_name or server.host, gate, fence

    def __call__(self) -> Connection:
        """Open a connection.

        Raises:
            OSError, WireError: when it cannot be had.
            OfflineError: when the gate, or the fence of the run, does not let it pass.
            BundlerError: what ``tls`` raises.
        """
        self._check()
        # Certificates come first: a broken one is no reason to bother the server.
        context = self._tls() if self._server.scheme == "https" else None
        return Connection(self._open(context))

    def certificate(self) -> bytes:
        """Return the certificate that an https server shows, as DER, trusted or not; only to talk about it.

        Raises:
            OSError, WireError: when it cannot be had.
            OfflineError: when it may not be asked.
        """
        self._check()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with self._open(context) as sock:
            shown = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
        return shown or b""

    def _check(self) -> None:
        if self._fence is not None:
            self._fence.check(self._server)
        if self._gate is not None:
            self._gate.check(self._server)

    def _open(self, context: ssl.SSLContext | None) -> socket.socket:
        sock = self._reached() if self._proxy is None else self._tunnelled(self._proxy)
        try:
            if context is not None:
                name = self._server_name
                # Bytes: a str would load the tables of international names.
                sock = context.wrap_socket(
                    sock, server_hostname=name.encode("idna") if not name.isascii() else name.encode()
                )
        except BaseException:
            sock.close()
            raise
        return sock

    def _reached(self) -> socket.socket:
        with checked():
            return _connect(self._server.host, self._server.port)

    def _tunnelled(self, proxy: Proxy) -> socket.socket:
        """Connect through the proxy; whatever is wrong with it is reported as such, and not as the server's fault."""
        try:
            with checked():
                sock = _connect(proxy.host, proxy.port)
            try:
                return self._tunnel(sock, proxy)
            except BaseException:
                sock.close()
                raise
        except (ProxyError, DeadProxyError):
            raise
        except TimeoutError as error:
            raise DeadProxyError(f"{proxy} does not answer in time") from error
        except OSError as error:
            raise DeadProxyError(f"{proxy}: {error.strerror or error}") from error
        except WireError as error:
            raise DeadProxyError(f"{proxy}: {error}") from error

    def _tunnel(self, sock: socket.socket, proxy: Proxy) -> socket.socket:
        authority = self._server.authority
        login = f"Proxy-Authorization: {proxy.authorization}\r\n" if proxy.authorization else ""
        connection = Connection(sock)
        connection.send(
            f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{login}\r\n".encode("latin-1"),
            TimeLimits(CONNECT_TIMEOUT_S, CONNECT_TIMEOUT_S),
        )
        head = connection.read_head()
        if head.status >= 500:
            raise DeadProxyError(f"{proxy} answered {head.status} when asked for the way to {authority}")
        if head.status != 200:
            wants = ", it wants a login (http://USER:PASSWORD@HOST:PORT)" if head.status == 407 else ""
            raise ProxyError(f"{proxy} refuses the way to {authority}: {head.status}{wants}")
        return connection.release_socket()


class Pool:
    """Idle connections, the last used first; any thread may take and give back."""

    def __init__(self, dial: Callable[[], Connection]) -> None:
        self._dial = dial
        self._idle: list[Connection] = []
        self._lock, self._is_closed = threading.Lock(), False

    def __del__(self) -> None:
        self.clear()

    def take(self, *, is_fresh: bool = False) -> tuple[Connection, bool]:
        """Return a connection and whether it was kept; ``is_fresh`` asks for a new one.

        Raises:
            OSError, WireError, BundlerError: when none can be opened.
        """
        while not is_fresh:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                break
            idle_s = time.monotonic() - connection.idle_since
            if idle_s < CHECK_AFTER_IDLE_S or (idle_s < IDLE_MOST_S and connection.is_quiet()):
                return connection, True
            connection.close()
        return self._dial(), False

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end; close any other."""
        connection.idle_since = time.monotonic()
        if connection.is_reusable:
            with self._lock:
                if len(self._idle) < MAX_IDLE and not self._is_closed:
                    self._idle.append(connection)
                    return
        connection.close()

    def close(self) -> None:
        """Keep nothing from now on: a thread may still give back what it has taken."""
        with self._lock:
            self._is_closed = True
        self.clear()

    def clear(self) -> None:
        """Close everything idle: the server went away, or we have other credentials."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def _connect(host: str, port: int) -> socket.socket:
    """Connect to the first address that answers."""
    failure: OSError | None = None
    end_s = time.monotonic() + CONNECT_TOTAL_S
    name = host.encode("idna") if not host.isascii() else host.encode()
    for family, kind, protocol, _, address in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(CONNECT_TIMEOUT_S)
            sock.connect(address)
            _tune(sock)
        except OSError as error:
            sock.close()
            failure = error
            if time.monotonic() > end_s:
                break
        else:
            return sock
    raise failure or OSError(f"{host} has no address")


def _tune(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A peer that vanished (a laptop's sleep, a dropped NAT entry) is noticed even where a read may wait for minutes.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_S),
        ("TCP_KEEPALIVE", KEEPALIVE_S),
        ("TCP_KEEPINTVL", PROBE_S),
        ("TCP_KEEPCNT", PROBES),
    ):
        number = getattr(socket, option, None)
        if number is not None:
            sock.setsockopt(socket.IPPROTO_TCP, number, value)
