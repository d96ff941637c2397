"""An HTTP proxy in front of a real API server, through which one kind of fault meets the first call of each class.

    with FaultProxy(plane.server, plane.ca_file, plane.token) as proxy:
        proxy.kubeconfig(path)
        proxy.curse(Fault.RESET_AFTER)      # from here on each class of call meets it once
        ...
        proxy.struck                        # the classes that have met it

A fault that passes is survived by one run that meets it at every class. One that ends the run is met at the next class
by the run after it.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.lib.killing_proxy import KillingProxy, PassingHandler

if TYPE_CHECKING:
    import http.client
    from pathlib import Path

LATENCY_S = 0.2
STALL_S = 20.0
"""Longer than any client under test has patience; it ends when the client hangs up."""
_DISCOVERY = re.compile(r"^/(version|api|apis)(/v1|/[^/]+|/[^/]+/v[0-9a-z]+)?$")
_OBJECT = re.compile(r"^/(api/v1|apis/[^/]+/[^/]+)(/namespaces/[^/]+)?/[^/]+/(?P<name>[^/]+)$")
_NAMESPACE = re.compile(r"^/api/v1/namespaces/[^/]+$")
PAGE = b"<html><body><h1>Please log in</h1></body></html>"


class Fault(StrEnum):
    """What goes wrong with one call."""

    LATENCY = "latency"
    BUSY = "429 with Retry-After"
    INTERNAL = "500"
    UNAVAILABLE = "503"
    UNAUTHORIZED = "a single 401"
    RESET_BEFORE = "reset before it arrived"
    RESET_AFTER = "reset after it arrived"
    TRUNCATED = "truncated body"
    PAGE = "200 with HTML"
    STALLED = "stalled body, or watch"
    GONE = "410"


_STATUSES = {
    Fault.BUSY: (429, "TooManyRequests"),
    Fault.INTERNAL: (500, "InternalError"),
    Fault.UNAVAILABLE: (503, "ServiceUnavailable"),
    Fault.UNAUTHORIZED: (401, "Unauthorized"),
    Fault.GONE: (410, "Expired"),
}


def call_class(method: str, target: str) -> str:
    """Return what class of call a request is."""
    parts = urlsplit(target)
    path, query = parts.path, parse_qs(parts.query)
    is_named = bool(_OBJECT.match(path) or _NAMESPACE.match(path))
    if _DISCOVERY.match(path) and method == "GET":
        return "discovery"
    if path.startswith("/apis/auth"):
        return "review"
    if "dryRun" in query:
        return "dry run"
    if "/leases" in path and method != "GET":
        return f"{method} Lease"
    if "/secrets/bundler." in path and method != "GET":
        return f"{method} record"
    if method == "POST" and path.endswith("/secrets"):
        return "POST Secret, of the record too"
    if method == "GET":
        special = next((word for word in ("log", "events") if path.endswith(f"/{word}")), "")
        return special or ("watch" if "watch" in query else "get" if is_named else "list")
    return {"POST": "create", "PATCH": "apply", "PUT": "replace", "DELETE": "delete"}[method]


class FaultProxy(KillingProxy):
    """Passes on what comes, but for the faults."""

    def __init__(self, server: str, ca_file: Path, token: str) -> None:
        super().__init__(server, ca_file, token, _FaultyHandler)
        self._faults: tuple[Fault, ...] = ()
        self.struck: dict[str, str] = {}
        """Class of call -> the first call of it, which met the fault."""
        self._choosing = threading.Lock()

    def curse(self, *faults: Fault) -> None:
        """Begin with a kind of fault, or with several, of which each class meets the next; without any: end them."""
        with self._choosing:
            self._faults, self.struck = faults, {}

    def fault_for(self, method: str, target: str) -> Fault | None:
        """Return what a call meets."""
        kind = call_class(method, target)
        with self._choosing:
            if not self._faults or kind in self.struck:
                return None
            fault = self._faults[len(self.struck) % len(self._faults)]
            if fault is Fault.GONE and method != "GET":
                return None
            self.struck[kind] = f"{method} {target}"
            return fault


class _FaultyHandler(PassingHandler):
    server: FaultProxy

    def is_answered_here(self, body: bytes) -> bool:
        del body
        self.fault = self.server.fault_for(self.command, self.path)
        match self.fault:
            case Fault.LATENCY:
                time.sleep(LATENCY_S)
            case Fault.RESET_BEFORE:
                self._reset()
            case Fault.PAGE:
                self._say(200, "OK", PAGE, "text/html")
            case Fault.GONE if "watch=" in self.path:
                event = {"type": "ERROR", "object": _status(*_STATUSES[Fault.GONE])}
                self._say(200, "OK", json.dumps(event).encode() + b"\n")
            case Fault.BUSY | Fault.INTERNAL | Fault.UNAVAILABLE | Fault.UNAUTHORIZED | Fault.GONE as refused:
                code, reason = _STATUSES[refused]
                self._say(code, reason, json.dumps(_status(code, reason)).encode())
            case _:
                return False
        return self.fault is not Fault.LATENCY

    def deliver(self, answer: http.client.HTTPResponse, content: bytes | None) -> None:
        match self.fault:
            case Fault.RESET_AFTER:
                self._reset()
            case Fault.TRUNCATED:
                whole = content or b'{"type": "ADDED", '
                self.wfile.write(self.head(answer, f"Content-Length: {len(whole)}") + whole[: len(whole) // 2])
                self._hang_up()
            case Fault.STALLED:
                self.wfile.write(self.head(answer, f"Content-Length: {len(content or b' ')}"))
                self.connection.settimeout(STALL_S)
                with suppress(OSError):
                    self.connection.recv(1)
                self._hang_up()
            case _:
                super().deliver(answer, content)

    def _say(self, code: int, reason: str, content: bytes, kind: str = "application/json") -> None:
        # Waiting is seen twice for each change; a quarter of an hour of it would show no more.
        again = f"Retry-After: {int(len(self.server.struck) <= 2)}\r\n" if code == 429 else ""
        head = f"HTTP/1.1 {code} {reason}\r\nContent-Type: {kind}\r\n{again}Content-Length: {len(content)}\r\n\r\n"
        self.wfile.write(head.encode() + content)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()


def _status(code: int, reason: str) -> dict[str, object]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "code": code,
        "message": reason,
    }
