"""The HTTPS endpoint of this kubelet: container logs, and commands that are run in containers.

The API server asks it for logs. Commands are for the tests: POST /run/NAMESPACE/POD/CONTAINER?cmd=WORD&cmd=…
"""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.lib.fake_kubelet import LogsRefused
from tests.lib.kubelet import logs
from tests.lib.kubelet.pods import Pod

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.kubelet.containers import Container

COMMAND_S = 300

FindPod = Callable[[str, str], Pod | None]


def serve(port: int, certificate: Path, key: Path, find_pod: FindPod) -> ThreadingHTTPServer:
    """Return a server, not yet running, that answers for every pod `find_pod(namespace, name)` knows."""

    class Handler(_Handler):
        pod_of = staticmethod(find_pod)

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pod_of: FindPod

    def do_GET(self) -> None:
        self._answer("containerLogs", self._logs)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer("run", self._run)

    def _answer(self, verb: str, act: Callable[[Container, dict[str, list[str]]], Iterable[bytes]]) -> None:
        url = urlsplit(self.path)
        try:
            pieces = iter(act(self._container(url.path, verb), parse_qs(url.query, keep_blank_values=True)))
            first = next(pieces, b"")
        except LogsRefused as refused:
            self._refuse(refused.status, str(refused).encode())
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._chunk(first)
        for piece in pieces:
            self._chunk(piece)
        self.wfile.write(b"0\r\n\r\n")

    def _container(self, path: str, verb: str) -> Container:
        parts = path.strip("/").split("/")
        if len(parts) != 4 or parts[0] != verb:
            raise LogsRefused(404, f"this kubelet serves no {path}")
        pod = self.pod_of(parts[1], parts[2])
        container = pod.container(parts[3]) if pod else None
        if container is None:
            raise LogsRefused(404, f'container "{parts[3]}" not found in pod "{parts[2]}"')
        return container

    def _logs(self, container: Container, query: dict[str, list[str]]) -> Iterable[bytes]:
        def number(name: str) -> int | None:
            return int(query[name][-1]) if name in query else None

        is_previous = query.get("previous") == ["true"]
        path = container.previous_log if is_previous else container.log
        if path is None or not path.exists():
            what = "previous terminated container" if is_previous else "container"
            raise LogsRefused(400, f'{what} "{container.name}" is waiting to start or not found')
        wanted = logs.LogQuery(
            follow=query.get("follow") == ["true"] and not is_previous,
            timestamps=query.get("timestamps") == ["true"],
            tail=number("tailLines"),
            since_s=number("sinceSeconds"),
        )
        process = container.process
        return logs.read(path, wanted, is_open=process.ended if process else None)

    def _run(self, container: Container, query: dict[str, list[str]]) -> Iterable[bytes]:
        process = container.process
        if process is None or process.ended.is_set():
            raise LogsRefused(400, f'container "{container.name}" does not run')
        try:
            code, output = process.run(query.get("cmd", []), timeout_s=COMMAND_S)
        except subprocess.TimeoutExpired:
            raise LogsRefused(500, f"the command took longer than {COMMAND_S} s") from None
        if code != 0:
            raise LogsRefused(500, f"command terminated with exit code {code}: {output.decode(errors='replace')}")
        return [output]

    def _refuse(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _chunk(self, data: bytes) -> None:
        if data:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Stay quiet: one line per request says nothing about a test."""
