"""What the whole process may connect to, whoever asks for it. Layer: adapter foundation.

Our own connections go through `Dialer`, which asks here first. Libraries do not ask (the login plugins of the
``kubernetes`` package, say); Python tells of theirs by audit events, before anything is sent. A hook for these cannot
be taken back, so there is one, and one `Fence` that decides. Other programs that are started are beyond it.

One thing comes too late: a name that is handed to ``socket.connect`` itself is looked up before its event.

Source: PEP 578; docs.python.org, library/audit_events.
"""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bundler.http.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from bundler.http.proxy import Address

_HINT = "use a login that needs no other server (a token, a certificate), or pass --no-offline where there is a way"
_ANY_HOST = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - nothing is bound here
_LOCAL_FAMILIES = frozenset(getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK") if hasattr(socket, name))


class Fence:
    """Lets the process connect to what is named, once it stands. Threads may share it."""

    def __init__(self) -> None:
        self._gate = Gate(frozenset())
        self._stands = False
        self._thread = threading.local()

    @property
    def stands(self) -> bool:
        """Tell whether anything is refused."""
        return self._stands

    def name(self, *servers: str) -> None:
        """Let servers pass, as ``host:port`` or ``host``; can be said before it stands, and after."""
        self._gate = Gate(self._gate.allowed | frozenset(servers))

    def put_up(self) -> None:
        """Refuse what is not named, from now on."""
        self._stands = True

    def take_down(self) -> None:
        """Let everything pass, and forget what was named."""
        self._gate, self._stands = Gate(frozenset()), False

    def check(self, server: Address) -> None:
        """Let a server of our own pass.

        Raises:
            OfflineError: when it is not named.
        """
        if self._stands:
            self._gate.check(server)

    @contextmanager
    def checked(self) -> Iterator[None]:
        """Let this thread connect to where it must: the server was checked, and a proxy may stand before it."""
        self._thread.is_checked = True
        try:
            yield
        finally:
            self._thread.is_checked = False

    def judge(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an audit event.

        Raises:
            OfflineError: when it would reach something that is not named.
        """
        if not self._stands or not event.startswith("socket.") or getattr(self._thread, "is_checked", False):
            return
        match event:
            case "socket.connect" | "socket.sendto" | "socket.sendmsg":
                self._judge_address(arguments[0], arguments[1])
            case "socket.getaddrinfo":
                self._judge_name(arguments[0], arguments[1])
            case "socket.gethostbyname" | "socket.gethostbyaddr":
                self._judge_name(arguments[0], None)
            case "socket.getnameinfo":
                self._judge_name(arguments[0][0], None)
            case _:
                return

    def _judge_name(self, host: object, service: object) -> None:
        text = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else host
        port = int(service) or None if isinstance(service, int | str) and str(service).isdigit() else None
        # Where there is no host, or any, somebody wants to listen.
        if not isinstance(text, str) or text in _ANY_HOST or self._gate.admits(text, port, resolve=self._resolved):
            return
        if port is not None and _is_number(text):
            # Nothing is looked up, but the library that asks would not close its socket if we waited for it.
            raise self._gate.refusal(f"connecting to {text}:{port}", hint=_HINT)
        raise self._gate.refusal(f"looking up {text}", hint=_HINT)

    def _judge_address(self, sock: Any, address: object) -> None:
        if sock.family in _LOCAL_FAMILIES or address is None:
            return
        if not isinstance(address, tuple) or len(address) < 2 or not isinstance(address[0], str):
            raise self._gate.refusal(f"connecting to {address!r}", hint=_HINT)
        host, port = address[0], address[1]
        if not self._gate.admits(host, port, resolve=self._resolved):
            raise self._gate.refusal(f"connecting to {host}:{port}", hint=_HINT)

    def _resolved(self, host: str) -> Collection[str]:
        if _is_number(host):
            return ()
        with self.checked():
            try:
                return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
            except OSError:
                return ()


def _is_number(host: str) -> bool:
    """Tell whether that is an address of IP, which is looked up nowhere."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition("%")[0])
        except (OSError, ValueError):
            continue
        return True
    return False


FENCE = Fence()
"""Of this process: audit hooks know no other."""
_is_hooked = threading.Event()


def fence_off() -> None:
    """Put up the fence of the process; the first call adds the hook, which stays."""
    FENCE.put_up()
    if not _is_hooked.is_set():
        _is_hooked.set()
        sys.addaudithook(FENCE.judge)
