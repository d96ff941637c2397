"""A TCP proxy that lets connections go dead without a word, as a NAT that forgot them and a laptop's sleep do."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

from bundler.http.fence import checked

PIECE = 65_536


class FreezingProxy:
    """Passes connections to ``port`` of 127.0.0.1, until they are frozen: then each stays open, and nothing comes."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open: list[socket.socket] = []
        self._frozen: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (self._listener, *self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def freeze(self) -> int:
        """Pass nothing more on the connections that are open, and return how many there are; new ones are passed."""
        self._frozen.update(self._open)
        return len(self._frozen) // 2

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                with checked():  # we are not part of the program that may be offline in this process
                    far = socket.create_connection(("127.0.0.1", self._target))
                self._open += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(PIECE):
                if source not in self._frozen:
                    target.sendall(data)
            if source not in self._frozen:
                target.shutdown(socket.SHUT_WR)
