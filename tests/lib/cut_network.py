"""A TCP proxy that stands for a network: while it is cut nothing moves, and nothing is closed either."""

from __future__ import annotations

import select
import socket
import threading
from typing import Self

PIECE = 65_536
LOOK_S = 0.02


class Network:
    """Passes connections to ``port`` of 127.0.0.1 until it is cut, and again once it is healed.

    What a sender gave up meanwhile is lost, as on a real line: the one who sends again and again is its own system, and
    that has stopped.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._is_up = threading.Event()
        self._is_up.set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]

    @property
    def is_up(self) -> bool:
        return self._is_up.is_set()

    def cut(self) -> None:
        self._is_up.clear()

    def heal(self) -> None:
        self._is_up.set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_up.set()
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
        self._is_up.wait()
        with near, socket.create_connection(("127.0.0.1", self._target)) as far:
            try:
                while self._moved(near, far):
                    pass
            except OSError:
                return

    def _moved(self, near: socket.socket, far: socket.socket) -> bool:
        """Wait for data, and move it where the network is up and its sender still there."""
        readable, _, _ = select.select([near, far], [], [], LOOK_S)
        self._is_up.wait()
        for source in readable:
            if _is_reset(source):
                return False
            data = source.recv(PIECE)
            if not data:
                return False
            (far if source is near else near).sendall(data)
        return True


def _is_reset(sock: socket.socket) -> bool:
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poller.poll(0))
