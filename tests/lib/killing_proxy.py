"""An HTTP proxy in front of a real API server: it writes down every request, and kills a process at a chosen one.

    with KillingProxy(plane.server, plane.ca_file, plane.token) as proxy:
        proxy.kubeconfig(path)                                  # plain HTTP on loopback, no credentials
        proxy.begin(Blow(number=3, is_after=True))              # the third write is made, its writer never hears of it
        proxy.aim(pid)

Mutating requests are counted from 1: no dry-runs, no reviews of oneself. What the dead process had sent besides and was
not forwarded yet is dropped.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive", "host", "authorization"})
AIM_TIMEOUT_S = 120
UPSTREAM_TIMEOUT_S = 120
BUSY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """When to kill: at which mutating request, and on which side of it."""

    number: int
    is_after: bool
    """The server has answered, and the answer is not passed on. Otherwise the server never sees the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request that came by."""

    method: str
    target: str
    number: int
    """Among the mutating ones, from 1; 0 for all others."""
    body: bytes
    status: int = 0
    """What the server answered; 0 where the request was not forwarded."""
    warnings: tuple[str, ...] = ()
    """``Warning`` headers of the answer."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The target's query."""
        return parse_qs(urlsplit(self.target).query)


def is_mutating(method: str, target: str) -> bool:
    """Return whether a request may change anything, but for heartbeats of a lock: their number depends on the time."""
    parts = urlsplit(target)
    if method == "PUT" and "/leases/" in parts.path:
        return False
    asks_only = "dryRun" in parse_qs(parts.query) or parts.path.startswith(
        ("/apis/authorization.k8s.io/", "/apis/authentication.k8s.io/")
    )
    return method in MUTATING and not asks_only


class KillingProxy(ThreadingHTTPServer):
    """Listens on a free port of loopback; adds the credentials that the other side asks for."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, server: str, ca_file: Path, token: str, handler: type[PassingHandler] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), handler or PassingHandler)
        self.upstream, self.token = urlsplit(server).netloc, token
        self.tls = ssl.create_default_context(cafile=str(ca_file))
        self._mutex = threading.Lock()
        self._in_flight, self._quiet = 0, threading.Condition(self._mutex)
        self._blow: Blow | None = None
        self._victim, self._aimed = 0, threading.Event()
        self.has_struck = False
        self.count = 0
        self.seen: list[Seen] = []
        """Every request since ``begin``, in the order of their answers."""
        self.is_busy: Callable[[str, str, bytes], bool] = lambda *_: False
        """Is asked about method, target and body of each request; the server is said to be busy where it says so."""
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def kubeconfig(self, path: Path, *, namespace: str = "default") -> Path:
        """Write a kubeconfig that leads here."""
        body = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "proxied",
            "clusters": [{"name": "proxied", "cluster": {"server": f"http://127.0.0.1:{self.server_address[1]}"}}],
            "users": [{"name": "proxied", "user": {}}],
            "contexts": [
                {"name": "proxied", "context": {"cluster": "proxied", "user": "proxied", "namespace": namespace}}
            ],
        }
        path.write_text(json.dumps(body))
        path.chmod(0o600)
        return path

    def begin(self, blow: Blow | None = None) -> None:
        """Count from 1 again; strike once, as ``blow`` says. Whatever is still on its way is let through first."""
        with self._quiet:
            assert self._quiet.wait_for(lambda: self._in_flight == 0, UPSTREAM_TIMEOUT_S), "requests hang"
            self._blow, self.has_struck, self.count, self.seen = blow, False, 0, []
            self._aimed.clear()

    def aim(self, pid: int) -> None:
        """Say which process is meant."""
        self._victim = pid
        self._aimed.set()

    def writes(self) -> list[Seen]:
        """Return the mutating requests that were forwarded, in order."""
        return sorted((one for one in self.seen if one.number and one.status), key=lambda one: one.number)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about connections of the dead."""

    # --- for the handler -----------------------------------------------------------------------------------------

    def enter(self, method: str, target: str) -> tuple[int, bool]:
        """Count a request; return its number and whether to forward it. Kills where it is time."""
        with self._mutex:
            if self.has_struck:
                return 0, False
            number = 0
            if is_mutating(method, target):
                self.count += 1
                number = self.count
                if self._blow is not None and not self._blow.is_after and number == self._blow.number:
                    self._strike()
                    return number, False
            self._in_flight += 1
            return number, True

    def leave(self, seen: Seen) -> bool:
        """Take note of an answer; return whether to pass it on. Kills where it is time."""
        with self._quiet:
            self._in_flight -= 1
            self._quiet.notify_all()
            self.seen.append(seen)
            blow = self._blow
            if blow is not None and blow.is_after and seen.number and seen.number == blow.number:
                self._strike()
            return not self.has_struck

    def _strike(self) -> None:
        assert self._aimed.wait(AIM_TIMEOUT_S), "no one was aimed at"
        self.has_struck = True
        os.kill(self._victim, signal.SIGKILL)


class PassingHandler(BaseHTTPRequestHandler):
    """One connection from bundler, with one of its own to the API server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: KillingProxy

    def setup(self) -> None:
        super().setup()
        self.api: http.client.HTTPSConnection | None = None

    def finish(self) -> None:
        if self.api is not None:
            self.api.close()
        super().finish()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (TimeoutError, ConnectionError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.is_answered_here(body):
            return
        number, goes_on = self.server.enter(self.command, self.path)
        if not goes_on:
            self.close_connection = True
            return
        seen = Seen(method=self.command, target=self.path, number=number, body=body)
        try:
            answer = self._ask(body)
            is_stream = answer.getheader("Content-Length") is None and "watch=" in self.path
            content = b"" if is_stream else answer.read()
            warnings = tuple(answer.headers.get_all("Warning") or ())
            seen = Seen(
                method=self.command, target=self.path, number=number, body=body, status=answer.status, warnings=warnings
            )
        finally:
            passes = self.server.leave(seen)
        if not passes:
            self.close_connection = True
        else:
            self.deliver(answer, None if is_stream else content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

    def is_answered_here(self, body: bytes) -> bool:
        """Answer in place of the server where that is due; return whether that was so."""
        is_busy = self.server.is_busy(self.command, self.path, body)
        if is_busy:
            self.wfile.write(BUSY)
        return is_busy

    def deliver(self, answer: http.client.HTTPResponse, content: bytes | None) -> None:
        """Hand on what the server answered; None: its content is still to come, as a stream."""
        if content is None:
            self._stream(answer)
        else:
            self.wfile.write(self.head(answer, f"Content-Length: {len(content)}") + content)

    def _ask(self, body: bytes) -> http.client.HTTPResponse:
        if self.api is None:
            self.api = http.client.HTTPSConnection(
                self.server.upstream, context=self.server.tls, timeout=UPSTREAM_TIMEOUT_S
            )
        headers = {name: text for name, text in self.headers.items() if name.lower() not in HOP_BY_HOP}
        headers["Authorization"] = f"Bearer {self.server.token}"
        self.api.request(self.command, self.path, body=body or None, headers=headers)
        return self.api.getresponse()

    def _stream(self, answer: http.client.HTTPResponse) -> None:
        self.wfile.write(self.head(answer, "Transfer-Encoding: chunked"))
        while line := answer.readline():
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")

    def head(self, answer: http.client.HTTPResponse, length: str) -> bytes:
        """Return the head of the server's answer, with our own way to say how long it is."""
        lines = [f"{name}: {text}" for name, text in answer.getheaders() if name.lower() not in HOP_BY_HOP]
        return "\r\n".join([f"HTTP/1.1 {answer.status} {answer.reason}", *lines, length, "", ""]).encode("latin-1")
