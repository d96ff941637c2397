"""A TCP proxy that cuts every connection after some bytes, as bad lines and eager firewalls do; it counts what it moves."""

from __future__ import annotations

import select
import socket
import struct
import threading
from typing import Self

from bundler.http.fence import checked

PIECE = 65_536
BUFFER = 131_072
"""What is on the way to the client when the connection is cut: a fixed share, not what the machine has room for."""


class CuttingProxy:
    """Passes connections to ``port`` of 127.0.0.1, and resets each after ``max_bytes``, both directions together."""

    def __init__(self, port: int, *, max_bytes: int) -> None:
        self.to_server_bytes = self.to_client_bytes = self.cuts = 0
        self._target, self._max_bytes = port, max_bytes
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near, _far_side(self._target) as far:
            left = self._max_bytes
            try:
                while left > 0:
                    readable, _, _ = select.select([near, far], [], [], 30)
                    if not readable:
                        return
                    for source in readable:
                        data = source.recv(min(PIECE, max(left, 1)))
                        if not data:
                            return
                        (far if source is near else near).sendall(data)
                        left -= len(data)
                        self._count(len(data), is_up=source is near)
            except OSError:
                return
            with self._lock:
                self.cuts += 1
            for sock in (near, far):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _count(self, size: int, *, is_up: bool) -> None:
        with self._lock:
            if is_up:
                self.to_server_bytes += size
            else:
                self.to_client_bytes += size


def _far_side(port: int) -> socket.socket:
    # We are not part of the program that may be offline in this process.
    with checked():
        return socket.create_connection(("127.0.0.1", port))
