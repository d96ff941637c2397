"""Small servers on loopback that misbehave on request: HTTP(S) with scripted answers, and a CONNECT proxy."""

from __future__ import annotations

import gzip
import itertools
import json
import select
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.lib.certs import KeyPair

CHUNKED = "chunked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """One request as it came in."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    """Number of the connection, from 1."""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """One answer: complete, or broken in a way that servers and networks know."""

    status: int = 200
    body: object = field(default_factory=dict)
    """Bytes as they are, anything else as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0
    """Wait before the answer."""
    stall_s: float = 0
    """Wait between headers and body."""
    is_cut: bool = False
    """Close after half of the body."""
    is_head: bool = False
    """Name the length of the body, and leave it out."""
    is_chunked: bool = False
    is_gzipped: bool = False
    closes: bool = False
    """Say ``Connection: close`` and do so."""
    drops_after: bool = False
    """Close after the answer without saying so, as an idle timeout does."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Read the request, then reset the connection."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """Read the request, then close without an answer."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Answer with what is not HTTP."""

    data: bytes = b"SSH-2.0-OpenSSH_9.6\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Drip:
    """Send something at once, and then something else byte by byte, for ever."""

    at_once: bytes
    then: bytes
    gap_s: float = 0.02


Step = Say | Reset | HangUp | Garbage | Drip


def status(code: int, message: str, reason: str = "", **details: Any) -> Say:
    """Answer as an API server does when it says no."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    return Say(status=code, body=body | ({"details": details} if details else {}))


class StubServer:
    """Answers each request with the next step of a script; the last one is repeated.

    ``routes`` answer their path always, without using up the script. ``requests`` holds what came in.
    """

    def __init__(
        self,
        script: Sequence[Step | Callable[[Got], Step]] = (),
        *,
        routes: Mapping[str, Step] | None = None,
        certificate: KeyPair | None = None,
        client_authority: str = "",
        address: str = "127.0.0.1",
    ) -> None:
        self.requests: list[Got] = []
        self.says: Step | None = None
        """In place of everything else."""
        self._script, self._routes, self._next = list(script), dict(routes or {}), 0
        self._tls = _context(certificate, client_authority) if certificate else None
        self._lock = threading.Lock()
        self._connections = 0
        self._open: set[socket.socket] = set()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, 0), family=family, backlog=64)
        self.port: int = self._listener.getsockname()[1]
        host = f"[{address}]" if ":" in address else address
        self.url = f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    @property
    def seen(self) -> list[str]:
        """Method and path of every request that was not for a route."""
        return [f"{got.method} {got.path}" for got in self.requests if got.path not in self._routes]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # A listener that is only closed does not wake the thread that waits in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._open:
                _close(sock)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._connections += 1
                self._open.add(sock)
                number = self._connections
            threading.Thread(target=self._serve, args=(sock, number), daemon=True).start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            if self._tls is not None:
                plain, sock = sock, self._tls.wrap_socket(sock, server_side=True)
                with self._lock:
                    self._open = (self._open - {plain}) | {sock}
            if self._tls is None and sock.recv(1, socket.MSG_PEEK) == b"\x16":
                return  # the first byte of TLS, which some clients try first
            with sock.makefile("rb") as reader:
                while (got := _read(reader, number)) is not None:
                    if not self._answer(sock, got):
                        return
        except (OSError, ValueError):
            return  # the client went away, or the test is over
        finally:
            with self._lock:
                self._open.discard(sock)
            _close(sock)

    def _answer(self, sock: socket.socket, got: Got) -> bool:
        """Carry out one step; return whether the connection continues."""
        step = self._step(got)
        if isinstance(step, Reset):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if isinstance(step, HangUp):
            return False
        if isinstance(step, Garbage):
            sock.sendall(step.data)
            return False
        if isinstance(step, Drip):
            sock.sendall(step.at_once)
            for byte in itertools.cycle(step.then):
                time.sleep(step.gap_s)
                sock.sendall(bytes([byte]))
            return False
        time.sleep(step.delay_s)
        head, body = _parts_of(step)
        if step.stall_s:
            sock.sendall(head)
            time.sleep(step.stall_s)
            head = b""
        sock.sendall(head + body)
        return not (step.is_cut or step.closes or step.drops_after)

    def _step(self, got: Got) -> Step:
        with self._lock:
            self.requests.append(got)
            if self.says is not None:
                return self.says
            if got.path in self._routes:
                return self._routes[got.path]
            if not self._script:
                return status(404, "nothing here", "NotFound", kind="things")
            step = self._script[min(self._next, len(self._script) - 1)]
            self._next += 1
        return step if isinstance(step, Step) else step(got)


class StubProxy:
    """A proxy that opens tunnels to whatever is asked for, or refuses with ``refuse_status``."""

    def __init__(self, *, refuse_status: int = 0) -> None:
        self.tunnels: list[str] = []
        self.authorizations: list[str] = []
        self._refuse_status = refuse_status
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(4096)
        lines = head.decode().split("\r\n")
        target = lines[0].split(" ")[1]
        self.tunnels.append(target)
        self.authorizations += [line.partition(": ")[2] for line in lines if line.lower().startswith("proxy-auth")]
        if self._refuse_status:
            sock.sendall(f"HTTP/1.1 {self._refuse_status} No\r\nContent-Length: 0\r\n\r\n".encode())
            _close(sock)
            return
        host, _, port = target.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port))) as far:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _pump(sock, far)
        _close(sock)


def _pump(one: socket.socket, other: socket.socket) -> None:
    while True:
        readable, _, _ = select.select([one, other], [], [], 10)
        for source in readable:
            data = _receive(source)
            if not data:
                return
            (other if source is one else one).sendall(data)
        if not readable:
            return


def _receive(sock: socket.socket) -> bytes:
    try:
        return sock.recv(65536)
    except OSError:
        return b""


def _read(reader: Any, number: int) -> Got | None:
    first = reader.readline().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers: dict[str, str] = {}
    while line := reader.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    body = b"".join(_chunks(reader)) if is_chunked else reader.read(int(headers.get("content-length", 0)))
    return Got(method=first[0], target=first[1], headers=headers, body=body, connection=number)


def _chunks(reader: Any) -> Iterator[bytes]:
    while size := int(reader.readline().split(b";")[0], 16):
        yield reader.read(size)
        reader.readline()
    while reader.readline().strip():
        pass  # trailers


def _parts_of(step: Say) -> tuple[bytes, bytes]:
    body = step.body if isinstance(step.body, bytes) else json.dumps(step.body).encode()
    lines = [f"HTTP/1.1 {step.status} Stub"]
    if step.is_gzipped:
        body = gzip.compress(body)
        lines.append("Content-Encoding: gzip")
    lines += [f"{name}: {line}" for name, value in step.headers.items() for line in value.split("\n")]
    lines += ["Connection: close"] if step.closes else []
    if step.is_chunked:
        lines.append("Transfer-Encoding: chunked")
        half = len(body) // 2
        pieces = [piece for piece in (body[:half], body[half:]) if piece]
        body = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nX-Trailer: 1\r\n\r\n"
    else:
        lines.append(f"Content-Length: {len(body)}")
    sent = b"" if step.is_head else body[: len(body) // 2] if step.is_cut else body
    return "\r\n".join((*lines, "", "")).encode("latin-1"), sent


def _context(certificate: KeyPair, client_authority: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    if client_authority:
        context.load_verify_locations(cafile=client_authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _close(sock: socket.socket) -> None:
    try:
        sock.close()
    except OSError:
        return
