"""The HTTPS endpoint of a fake kubelet: container logs, and nothing else.

Source: the paths and error texts that kube-apiserver relies on, Kubernetes `pkg/kubelet/server` and `kubelet_pods.go`.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.lib.pod_states import Behaviour, behaviour_of

if TYPE_CHECKING:
    from pathlib import Path

FOLLOW_S = 0.4

FindPod = Callable[[str, str], Mapping[str, Any] | None]


class LogsRefused(Exception):
    """The kubelet has no such log; `status` and the text are its answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def serve_logs(port: int, certificate: Path, key: Path, find_pod: FindPod) -> ThreadingHTTPServer:
    """Return a server, not yet running, that answers for every pod `find_pod(namespace, name)` knows."""

    class Handler(_LogHandler):
        pod_of = staticmethod(find_pod)

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    # The handshake belongs to the thread of the connection, not to the one that accepts.
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server


def log_lines(pod: Mapping[str, Any], container: str, *, previous: bool) -> list[str]:
    """Return the lines that the container has written.

    Raises:
        LogsRefused: where the container has not run, or not before.
    """
    name, spec, status = pod["metadata"]["name"], pod["spec"], pod.get("status", {})
    image = next(
        (c["image"] for c in [*spec.get("initContainers", []), *spec["containers"]] if c["name"] == container), None
    )
    if image is None:
        raise LogsRefused(404, f'container "{container}" not found in pod "{name}"')
    statuses = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    reported: Mapping[str, Any] = next((one for one in statuses if one["name"] == container), {})
    if previous and "terminated" not in reported.get("lastState", {}):
        raise LogsRefused(400, f'previous terminated container "{container}" in pod "{name}" not found')
    waiting = reported.get("state", {"waiting": {"reason": "ContainerCreating"}}).get("waiting")
    if waiting and not reported.get("lastState"):
        raise LogsRefused(
            400, f'container "{container}" in pod "{name}" is waiting to start: {_why(waiting["reason"])}'
        )
    lines = [f"{name} container {container} started"]
    if behaviour_of(image) is Behaviour.CRASH:
        lines.append('FATAL: password authentication failed for user "shop"')
    return lines


def _why(reason: str) -> str:
    return "trying and failing to pull image" if reason == "ImagePullBackOff" else reason


class _LogHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pod_of: FindPod

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        try:
            lines = self._lines(url.path, query)
        except LogsRefused as refused:
            self._refuse(refused.status, str(refused))
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._chunk("".join(f"{line}\n" for line in lines))
        if query.get("follow") == "true":
            time.sleep(FOLLOW_S)
            container = url.path.rsplit("/", 1)[-1]
            self._chunk(f"{_stamp(query)}{url.path.split('/')[3]} container {container} still running\n")
        self.wfile.write(b"0\r\n\r\n")

    def _lines(self, path: str, query: Mapping[str, str]) -> list[str]:
        parts = path.strip("/").split("/")
        if len(parts) != 4 or parts[0] != "containerLogs":
            raise LogsRefused(404, f"the fake kubelet serves no {path}")
        pod = self.pod_of(parts[1], parts[2])
        if pod is None:
            raise LogsRefused(404, f'pod "{parts[2]}" not found')
        lines = log_lines(pod, parts[3], previous=query.get("previous") == "true")
        if "tailLines" in query:
            lines = lines[max(0, len(lines) - int(query["tailLines"])) :]
        return [_stamp(query) + line for line in lines]

    def _refuse(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _chunk(self, text: str) -> None:
        data = text.encode()
        if data:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Stay quiet: one line per request says nothing about a test."""


def _stamp(query: Mapping[str, str]) -> str:
    if query.get("timestamps") != "true":
        return ""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z ")
