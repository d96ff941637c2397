"""What one run may connect to, on whichever way it is asked. Layer: adapter foundation.

Our own connections go through `Dialer`, which asks the fence of its run: two runs in one process never meet there.

Libraries do not ask (the login plugins of the ``kubernetes`` package, say); Python reports theirs by audit events,
before anything is sent. A hook for these cannot be taken back, so there is one, which finds the fence of the run that
the call belongs to: `Fence.surrounding` marks the calls of a run (a context variable, which `bundler.concurrency`
hands on to its threads). Of threads that a library starts by itself no one knows the run: they are held to the fence
that was put up for the whole process, as the command line does, whose process has one run; where there is none, they
are held to nothing. Other programs that are started are beyond all of this.

One thing comes too late: a name that is handed to ``socket.connect`` itself is looked up before its event.

Source: PEP 578; docs.python.org, library/audit_events.
"""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from bundler.http.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from bundler.http.proxy import Address

_HINT = "use a login that needs no other server (a token, a certificate), or pass --no-offline where there is a way"
_ANY_HOST = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - nothing is bound here
_LOCAL_FAMILIES = frozenset(getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK") if hasattr(socket, name))


_thread = threading.local()


@contextmanager
def checked() -> Iterator[None]:
    """Let this thread connect to where it must: the server was checked, and a proxy may be on the way to it."""
    _thread.is_checked = True
    try:
        yield
    finally:
        _thread.is_checked = False


class Fence:
    """Lets a run connect to what is named, once it stands. Threads may share it."""

    def __init__(self) -> None:
        self._gate = Gate(frozenset())
        self._stands = False

    def name(self, *servers: str) -> None:
        """Let servers pass, as ``host:port`` or ``host``; can be said before it stands, and after."""
        self._gate = Gate(self._gate.allowed | frozenset(servers))

    def put_up(self, *, holds_process: bool = False) -> None:
        """Refuse what is not named, from now on.

        Args:
            holds_process: calls that belong to no run are held to this fence too; for a process that has one run.
        """
        self._stands = True
        if holds_process:
            _process.fence = self
        _add_hook()

    def take_down(self) -> None:
        """Let everything pass, and forget what was named."""
        self._gate, self._stands = Gate(frozenset()), False
        if _process.fence is self:
            _process.fence = None

    @contextmanager
    def surrounding(self) -> Iterator[None]:
        """Mark what is called inside as this run's, so that libraries are held to its fence."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def check(self, server: Address) -> None:
        """Let a server of our own pass.

        Raises:
            OfflineError: when it is not named.
        """
        if self._stands:
            self._gate.check(server)

    def judge(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an audit event.

        Raises:
            OfflineError: when it would reach something that is not named.
        """
        if not self._stands or not event.startswith("socket.") or getattr(_thread, "is_checked", False):
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
        # Where there is no host, or any, someone wants to listen.
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
        with checked():
            try:
                return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
            except OSError:
                return ()


def _is_number(host: str) -> bool:
    """Return whether that is an address of IP, which is looked up nowhere."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition("%")[0])
        except (OSError, ValueError):
            continue
        return True
    return False


class _Process:
    """The fence of a process that has one run."""

    fence: Fence | None = None


_process = _Process()
_current: ContextVar[Fence | None] = ContextVar("fence", default=None)
_is_hooked = threading.Event()


def _add_hook() -> None:
    if not _is_hooked.is_set():
        _is_hooked.set()
        sys.addaudithook(_judge)


def _judge(event: str, arguments: tuple[Any, ...]) -> None:
    """Hold an event to the fence of the run that it belongs to."""
    fence = _current.get() or _process.fence
    if fence is not None:
        fence.judge(event, arguments)
