"""The API's own limit: bodies sent as they are, with nothing decided, on eight kept connections."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.workload import Body

CONNECTIONS = 8
COLLECTIONS = {"ConfigMap": "/api/v1", "Service": "/api/v1", "Deployment": "/apis/apps/v1"}
PLURALS = {"ConfigMap": "configmaps", "Service": "services", "Deployment": "deployments"}


class RawLimit:
    """Connections to one API server."""

    def __init__(self, server: str, ca_file: str, token: str) -> None:
        context = ssl.create_default_context(cafile=ca_file)
        host = urlsplit(server).netloc
        self._connections = [http.client.HTTPSConnection(host, context=context) for _ in range(CONNECTIONS)]
        self._authorization = f"Bearer {token}"

    def install(self, bodies: Sequence[Body]) -> None:
        """Dry-run all, then apply all."""
        self.apply(bodies, dry_run=True)
        self.apply(bodies)

    def apply(self, bodies: Sequence[Body], *, dry_run: bool = False) -> None:
        """Send every body by server-side apply."""
        query = "fieldManager=kubectl&fieldValidation=Strict&force=true" + ("&dryRun=All" if dry_run else "")
        self.send_all([("PATCH", f"{_path(body)}?{query}", json.dumps(body).encode()) for body in bodies])

    def delete(self, bodies: Sequence[Body]) -> None:
        """Delete every object by itself, and wait until the lists are empty."""
        options = json.dumps({"propagationPolicy": "Background"}).encode()
        self.send_all([("DELETE", _path(body), options) for body in bodies])
        names = {body["metadata"]["name"] for body in bodies}
        namespace = bodies[0]["metadata"]["namespace"]
        while any(item["metadata"]["name"] in names for kind in PLURALS for item in self.list(kind, namespace)):
            time.sleep(0.1)

    def list(self, kind: str, namespace: str) -> list[dict[str, Any]]:
        """Return all objects of a kind."""
        path = f"{COLLECTIONS[kind]}/namespaces/{namespace}/{PLURALS[kind]}"
        items: list[dict[str, Any]] = json.loads(self.send("GET", path))["items"]
        return items

    def apply_and_wait(self, bodies: Sequence[Body]) -> None:
        """Apply all, then list Deployments each 0.5 s until all are available."""
        self.apply(bodies)
        namespace = bodies[0]["metadata"]["namespace"]
        while not all(_is_available(item) for item in self.list("Deployment", namespace)):
            time.sleep(0.5)

    def send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send one request on the first connection."""
        return self._send(self._connections[0], method, path, body)

    def send_all(self, requests: Sequence[tuple[str, str, bytes]]) -> None:
        """Send requests, as method, path and body, on all connections."""
        queue: SimpleQueue[tuple[str, str, bytes]] = SimpleQueue()
        failures: list[Exception] = []
        for request in requests:
            queue.put(request)

        def work(connection: http.client.HTTPConnection) -> None:
            try:
                for request in _drain(queue):
                    self._send(connection, *request)
            except Exception as error:
                failures.append(error)

        threads = [Thread(target=work, args=(connection,)) for connection in self._connections]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def _send(self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None) -> bytes:
        content_type = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        headers = {"Authorization": self._authorization, "Content-Type": content_type}
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path}: {response.status} {answer[:300]!r}")
        return answer

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.close()


def _drain(queue: SimpleQueue[Any]) -> Iterator[Any]:
    while not queue.empty():
        try:
            yield queue.get_nowait()
        except Exception:
            return


def _path(body: Body) -> str:
    kind, metadata = body["kind"], body["metadata"]
    return f"{COLLECTIONS[kind]}/namespaces/{metadata['namespace']}/{PLURALS[kind]}/{metadata['name']}"


def _is_available(deployment: dict[str, Any]) -> bool:
    status = deployment.get("status", {})
    return bool(
        status.get("observedGeneration") == deployment["metadata"]["generation"]
        and status.get("availableReplicas", 0) >= deployment["spec"]["replicas"]
        and status.get("updatedReplicas", 0) >= deployment["spec"]["replicas"]
    )
