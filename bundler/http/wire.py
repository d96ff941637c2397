"""HTTP/1.1 on one kept connection. Layer: adapter foundation.

Why not http.client: it reads headers through the email package, which costs 20 ms of import and, over an install of
hundreds of objects, a tenth of its time. What an API server and a proxy send needs far less.

Source: RFC 9112.
"""

from __future__ import annotations

import select
import socket
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READ_BYTES = 65_536
MAX_HEAD_BYTES = 65_536
MAX_BODY_BYTES = 512 * 1024 * 1024


class WireError(Exception):
    """The peer broke the connection off, or sent what is not HTTP."""


class ClosedError(WireError):
    """The peer closed the connection before the first byte of an answer."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers; names in lower case, repeated ones joined by line ends."""

    status: int
    headers: Mapping[str, str]
    is_last: bool
    """The peer closes the connection after this answer."""


class Connection:
    """One connection, used by one thread at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._ahead = b""
        self._timeout_s: float | None = -1.0
        self.is_reusable = True
        self.idle_since = 0.0
        self.moved_bytes = 0
        """Sent and received so far, heads and bodies."""

    def send(self, data: bytes, *, timeout_s: float) -> None:
        """Send a whole request; ``timeout_s`` also bounds every read after it."""
        self.is_reusable = False
        self.set_timeout(timeout_s)
        self.send_more(data)

    def send_more(self, data: bytes) -> None:
        """Send a piece of a body whose head was sent; the head's timeout holds for each piece."""
        self._socket.sendall(data)
        self.moved_bytes += len(data)

    def set_timeout(self, timeout_s: float) -> None:
        """Bound every read from here on."""
        if timeout_s != self._timeout_s:
            self._socket.settimeout(timeout_s)
            self._timeout_s = timeout_s

    def is_quiet(self) -> bool:
        """Tell whether an idle connection is still open as far as we know: one that was closed is readable."""
        try:
            readable, _, _ = select.select([self._socket], [], [], 0)
        except (OSError, ValueError):
            return False
        return not readable and not self._ahead

    def close(self) -> None:
        """Close; never raises."""
        self.is_reusable = False
        try:
            self._socket.close()
        except OSError:
            self._ahead = b""  # nothing is left that could be lost

    def shut_down(self) -> None:
        """End reading and writing from another thread: whoever reads is told that the peer closed. Never raises.

        The socket stays open until its own thread closes it: its number must not become another file's meanwhile.
        """
        try:
            # Not SSLSocket's: that one takes the TLS state away from the thread that reads.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            self.is_reusable = False  # it is closed already

    def release_socket(self) -> socket.socket:
        """Hand out the socket of a tunnel.

        Raises:
            WireError: when the peer spoke before it was asked.
        """
        if self._ahead:
            raise WireError("the proxy sent data before TLS began")
        return self._socket

    def read_head(self) -> Head:
        """Read status and headers; interim answers (1xx) are passed over.

        Raises:
            ClosedError, WireError: see there.
        """
        head = self._read_one_head()
        while head.status < 200:
            head = self._read_one_head()
        return head

    def read_body(self, head: Head) -> bytes:
        """Read the whole body, as it was sent (a Content-Encoding is left on it).

        Raises:
            WireError: when it is cut short or too large.
        """
        pieces, size = [], 0
        for piece in self.pieces(head):
            size += len(piece)
            if size > MAX_BODY_BYTES:
                raise WireError(f"the answer is larger than {MAX_BODY_BYTES} bytes")
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def pieces(self, head: Head, *, answers: str = "GET") -> Iterator[bytes]:
        """Yield the body as it comes in; afterwards the connection can be used again, unless the peer closes it.

        Args:
            head: of the answer.
            answers: the method that was asked with; an answer to HEAD has no body, whatever its head says.

        Raises:
            WireError: when it is cut short.
        """
        length = head.headers.get("content-length", "")
        if head.status in {204, 304} or length == "0" or answers == "HEAD":
            pass
        elif head.headers.get("transfer-encoding", "").lower() == "chunked":
            yield from self._chunks()
        elif length:
            yield from self._exactly(_number(length, 10))
        else:
            yield from self._until_closed()
            self.is_reusable = False
            return
        self.is_reusable = not head.is_last

    def _read_one_head(self) -> Head:
        while (end := self._ahead.find(b"\r\n\r\n")) < 0:
            if len(self._ahead) > MAX_HEAD_BYTES:
                raise WireError("the answer's headers are too large")
            more = self._receive(READ_BYTES)
            if not more:
                if self._ahead:
                    raise WireError("the connection was closed in the middle of an answer")
                raise ClosedError("the connection was closed before an answer")
            self._ahead += more
        text = self._ahead[:end].decode("latin-1")
        self._ahead = self._ahead[end + 4 :]
        return parse_head(text)

    def _receive(self, size: int) -> bytes:
        data = self._socket.recv(size)
        self.moved_bytes += len(data)
        return data

    def _more(self) -> bytes:
        more = self._receive(READ_BYTES)
        if not more:
            raise WireError("the connection was closed in the middle of an answer")
        return more

    def _exactly(self, size: int) -> Iterator[bytes]:
        piece, self._ahead = self._ahead[:size], self._ahead[size:]
        left = size - len(piece)
        if piece:
            yield piece
        while left:
            piece = self._more()
            if len(piece) > left:
                piece, self._ahead = piece[:left], piece[left:]
            left -= len(piece)
            yield piece

    def _line(self) -> bytes:
        while (end := self._ahead.find(b"\r\n")) < 0:
            if len(self._ahead) > MAX_HEAD_BYTES:
                raise WireError("a line of the answer is too long")
            self._ahead += self._more()
        line, self._ahead = self._ahead[:end], self._ahead[end + 2 :]
        return line

    def _chunks(self) -> Iterator[bytes]:
        while size := _number(self._line().split(b";", 1)[0].decode("latin-1"), 16):
            yield from self._exactly(size)
            if self._line():
                raise WireError("a chunk of the answer does not end where it says")
        while self._line():
            pass  # trailers

    def _until_closed(self) -> Iterator[bytes]:
        if self._ahead:
            yield self._ahead
            self._ahead = b""
        while piece := self._receive(READ_BYTES):
            yield piece


def parse_head(text: str) -> Head:
    """Parse status line and headers.

    Raises:
        WireError: when this is not HTTP/1.
    """
    status_line, *lines = text.split("\r\n")
    protocol, _, rest = status_line.partition(" ")
    if not protocol.startswith("HTTP/1.") or not rest[:3].isdigit():
        raise WireError("the answer is not HTTP")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}\n{value}" if name in headers else value
    connection = headers.get("connection", "").lower()
    is_last = "close" in connection or (protocol == "HTTP/1.0" and "keep-alive" not in connection)
    return Head(int(rest[:3]), headers, is_last)


def _number(text: str, base: int) -> int:
    digits = text.strip()
    try:
        # int() also takes signs and underscores, which a length never has.
        number = int(digits, base) if digits.isalnum() else -1
    except ValueError:
        number = -1
    if number < 0:
        raise WireError("the answer has a length that is not a number")
    return number
