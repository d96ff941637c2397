"""What the controller answers over HTTP: whether it is alive and ready, and its metrics. Layer: controller."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final, NamedTuple

from bundler.concurrency import in_thread
from bundler.errors import UsageError

if TYPE_CHECKING:
    Page = Callable[[], "Answer"]

PLAIN: Final = "text/plain; charset=utf-8"
_SLOWEST_READER_S: Final = 10.0


class Answer(NamedTuple):
    """One answer."""

    status: int
    content: bytes
    content_type: str = PLAIN


class Address(NamedTuple):
    """Where it is asked."""

    host: str
    """Empty: every address of the machine."""
    port: int
    """0: any that is free."""


def parse_address(text: str, option: str) -> Address:
    """Return the address that is typed: ``:8080``, ``127.0.0.1:8080``, ``[::1]:8080``.

    Args:
        text: as it is typed.
        option: whose value it is.

    Raises:
        UsageError: when the text is not an address.
    """
    host, colon, port = text.rpartition(":")
    if colon and port.isascii() and port.isdigit() and int(port) < 65_536:
        return Address(host.removeprefix("[").removesuffix("]"), int(port))
    raise UsageError(f"reading {option}", context=[f"{text!r} is not an address"], hint="write HOST:PORT, or :PORT")


class WebServer:
    """Answers GET requests by a table of pages, in threads of its own, until it is closed."""

    def __init__(self, address: Address, pages: Mapping[str, Page], option: str) -> None:
        """Begin to listen.

        Args:
            address: where.
            pages: what answers each path.
            option: that names the address, for the error.

        Raises:
            UsageError: when the address cannot be listened on.
        """
        try:
            self._server = _Server(address, pages)
        except OSError as error:
            found = f"{address.host}:{address.port}: {error.strerror or error}"
            raise UsageError(f"listening for {option}", context=[found], hint="choose another address") from error
        self._thread = in_thread(self._server.serve_forever, 0.5, name=f"web server of {option}")
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: Address, pages: Mapping[str, Page]) -> None:
        self.pages = pages
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        super().__init__((address.host, address.port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a reader go that is gone, or talks nonsense."""
        del request, client_address


class _Handler(BaseHTTPRequestHandler):
    timeout = _SLOWEST_READER_S
    server_version, sys_version = "bundler", ""

    def do_GET(self) -> None:
        """Answer a page."""
        server = self.server
        page = server.pages.get(self.path.partition("?")[0]) if isinstance(server, _Server) else None
        answer = page() if page else Answer(404, b"not found\n")
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *words: object) -> None:
        """Say nothing: probes come every few seconds."""
        del words
