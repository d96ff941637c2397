"""A plain JSON client for a Kubernetes API on one kept connection per thread.

Only for the tests and their fake nodes; it shares no code with bundler's own client, so that it can judge it.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
EXPECTED = (403, 404, 409)
"""The namespace or the object goes away, or moved on: the next event of a watch says so."""


class ApiError(Exception):
    """The server answered with a status of 400 or more."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        super().__init__(f"{method} {path}: {status}: {body[:500]}")
        self.status, self.body = status, body

    @property
    def reason(self) -> str:
        """The server's machine-readable reason, e.g. "Forbidden", or the empty string."""
        try:
            return str(json.loads(self.body).get("reason", ""))
        except (ValueError, AttributeError):
            return ""


class RawApi:
    """Requests as one user."""

    def __init__(self, server: str, ca_file: Path, token: str, *, timeout_s: float = 30) -> None:
        self._host = urlsplit(server).netloc
        self._token, self._timeout_s = token, timeout_s
        self._tls = ssl.create_default_context(cafile=str(ca_file))
        self._threads = threading.local()
        self._opened: list[http.client.HTTPSConnection] = []

    def send(self, method: str, path: str, body: object = None, *, content_type: str = "application/json") -> bytes:
        """Send one request and return the raw answer.

        Raises:
            ApiError: for a status of 400 or more.
            OSError: where the server cannot be reached.
        """
        payload = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            status, answer = self._exchange(method, path, payload, content_type)
        except (ConnectionError, ssl.SSLError):
            # The server closes connections that were idle for 90 s, which a writer may first meet as a broken TLS
            # stream; a fresh connection decides whether it is really gone.
            status, answer = self._exchange(method, path, payload, content_type)
        if status >= 400:
            raise ApiError(method, path, status, answer.decode(errors="replace"))
        return answer

    def call(self, method: str, path: str, body: object = None, *, content_type: str = "application/json") -> Any:
        """Send one request and return the decoded JSON answer; see `send` for what it raises."""
        return json.loads(self.send(method, path, body, content_type=content_type) or b"null")

    def watch(self, path: str, resource_version: str, *, timeout_s: int = 300) -> Iterator[Mapping[str, Any]]:
        """Yield watch events on a connection of their own until the server ends the watch."""
        separator = "&" if "?" in path else "?"
        query = f"{separator}watch=1&resourceVersion={resource_version}&timeoutSeconds={timeout_s}"
        connection = http.client.HTTPSConnection(self._host, context=self._tls, timeout=timeout_s + 30)
        try:
            connection.request("GET", path + query, headers=self._headers("application/json"))
            response = connection.getresponse()
            if response.status >= 400:
                raise ApiError("WATCH", path, response.status, response.read().decode(errors="replace"))
            while line := response.readline():
                yield json.loads(line)
        except http.client.HTTPException as error:
            raise ConnectionError(f"WATCH {path}: {error!r}") from error
        finally:
            connection.close()

    def _exchange(self, method: str, path: str, payload: bytes | None, content_type: str) -> tuple[int, bytes]:
        connection = getattr(self._threads, "connection", None)
        if connection is None:
            connection = http.client.HTTPSConnection(self._host, context=self._tls, timeout=self._timeout_s)
            self._threads.connection = connection
            self._opened.append(connection)
        try:
            connection.request(method, path, body=payload, headers=self._headers(content_type))
            response = connection.getresponse()
            return response.status, response.read()
        except OSError:
            connection.close()
            raise
        except http.client.HTTPException as error:
            connection.close()
            raise ConnectionError(f"{method} {path}: {error!r}") from error

    def close(self) -> None:
        """Close the connections of all threads; the next request opens its own again."""
        for connection in self._opened:
            connection.close()

    def _headers(self, content_type: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": content_type,
            "Accept": "application/json",
        }
