"""HTTP/1.1 on one kept connection. Layer: adapter foundation.

Why not http.client: it reads headers through the email package, which costs 20 ms of import and, over an install of
hundreds of objects, a tenth of its time. What an API server and a proxy send needs far less.

Source: RFC 9112.
"""

from __future__ import annotations

import re
import select
import socket
import struct
import time
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")

READ_BYTES = 65_536
BODY_BYTES = 524_288
"""What is asked for at once where much is to come: each piece costs as much again on its way as the reading."""
SEND_BYTES = 262_144
MAX_HEAD_BYTES = 65_536
MAX_BODY_BYTES = 512 * 1024 * 1024
SLICE_S = 1.0
"""How often limits are checked again while a peer is silent: a signal or a lost lock may have shortened them."""
MAX_INTERIM = 100
"""Of 1xx answers before the answer itself."""

_DROP_UNSENT = struct.pack("ii", 1, 0)
_STATUS_LINE = re.compile(r"HTTP/1\.([0-9]) ([0-9]{3})(?: [^\x00-\x08\x0a-\x1f\x7f]*)?")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_DECIMAL = re.compile(r"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[^\x00-\x08\x0a-\x1f]*)?[ \t]*")


class WireError(Exception):
    """The peer broke the connection off, or sent what is not HTTP."""


class ClosedError(WireError):
    """The peer closed the connection before the first byte of an answer."""


def no_end() -> float:
    """Return a time that never is over."""
    return float("inf")


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long one exchange may take. A peer that sends byte by byte keeps a read alive, but not the exchange."""

    patience_s: float
    """For the whole head of the answer, and then for each piece of its body."""
    total_s: float = float("inf")
    """For everything, from the first byte sent to the last byte read."""
    budget: Callable[[], float] = no_end
    """Seconds that are left for the whole command; asked again and again, because a signal may shorten it."""


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
        self._timeout_s = -1.0
        self._limits, self._began_s = TimeLimits(float("inf")), 0.0
        self.is_reusable = True
        self.idle_since = 0.0
        self.moved_bytes = 0
        """Sent and received so far, heads and bodies."""

    def send(self, data: bytes, limits: TimeLimits) -> None:
        """Send a whole request, or its head.

        Args:
            data: to send.
            limits: hold for everything that is sent and read until the next request.

        Raises:
            OSError: when it cannot be sent; TimeoutError when it cannot be sent in time.
        """
        self.is_reusable = False
        self.limit(limits)
        self.send_more(data)

    def send_more(self, data: bytes) -> None:
        """Send a piece of a body whose head was sent.

        Raises:
            OSError: as `send`.
        """
        view, end_s = memoryview(data), self._patience_end_s()
        while view:
            sent = self._within(end_s, partial(self._socket.send, view[:SEND_BYTES]))
            self.moved_bytes += sent
            view = view[sent:]

    def limit(self, limits: TimeLimits) -> None:
        """Set other limits, which count from now."""
        self._limits, self._began_s = limits, time.monotonic()

    def _patience_end_s(self) -> float:
        return time.monotonic() + self._limits.patience_s

    def _left_s(self, end_s: float) -> float:
        now_s, limits = time.monotonic(), self._limits
        return min(end_s - now_s, limits.total_s - (now_s - self._began_s), limits.budget())

    def _within(self, end_s: float, act: Callable[[], T]) -> T:
        """Call something that waits for the peer.

        Raises:
            TimeoutError: when the time is over.
        """
        while True:
            left_s = self._left_s(end_s)
            if left_s <= 0:
                raise TimeoutError("timed out")
            timeout_s = min(left_s, SLICE_S)
            if timeout_s != self._timeout_s:
                self._socket.settimeout(timeout_s)
                self._timeout_s = timeout_s
            try:
                return act()
            except TimeoutError as error:
                if error.errno is not None:
                    raise  # the network's own verdict, not the end of a slice

    def is_quiet(self) -> bool:
        """Return whether an idle connection is still open as far as we know: one that was closed is readable."""
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

    def abort(self) -> None:
        """Close, and drop what the system has not sent yet: after a lost lock it must not arrive. Never raises."""
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP_UNSENT)
        except OSError:
            self.is_reusable = False  # it is closed already
        self.close()

    def shut_down(self) -> None:
        """End reading and writing from another thread: a reader sees that the peer closed. Never raises.

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
        self._socket.settimeout(self._limits.patience_s)
        return self._socket

    def read_head(self) -> Head:
        """Read status and headers; interim answers (1xx) are passed over.

        Raises:
            ClosedError, WireError: see there.
            OSError: when the connection breaks; TimeoutError when the head has not arrived in time.
        """
        end_s = self._patience_end_s()
        for _ in range(MAX_INTERIM):
            head = self._read_one_head(end_s)
            if head.status == 101:
                raise WireError("the server changes to a protocol that it was not asked for")
            if head.status >= 200:
                return head
        raise WireError(f"more than {MAX_INTERIM} interim answers came, and no answer")

    def pieces(self, head: Head, *, answers: str = "GET") -> Iterator[bytes]:
        """Yield the body as it comes in; afterwards the connection can be used again, unless the peer closes it.

        Args:
            head: of the answer.
            answers: the method that was asked with; an answer to HEAD has no body, whatever its head says.

        Raises:
            WireError: when it is cut short, or its length is unknown.
            OSError: as `read_head`.
        """
        length, is_chunked = _framing(head)
        if head.status in {204, 304} or answers == "HEAD":
            pass
        elif is_chunked and length is not None:
            raise WireError("the answer says in two ways where it ends")
        elif is_chunked:
            yield from self._chunks()
        elif length is not None:
            yield from self._exactly(length)
        else:
            self.is_reusable = False
            yield from self._until_closed()
            return
        # What came beyond the end would be taken for the answer to the next request.
        self.is_reusable = not head.is_last and not self._ahead

    def _read_one_head(self, end_s: float) -> Head:
        searched = 0
        while (end := self._ahead.find(b"\r\n\r\n", searched)) < 0:
            if len(self._ahead) > MAX_HEAD_BYTES:
                raise WireError("the answer's headers are too large")
            searched = max(0, len(self._ahead) - 3)
            more = self._receive(READ_BYTES, end_s)
            if not more:
                if self._ahead:
                    raise WireError("the connection was closed in the middle of an answer")
                raise ClosedError("the connection was closed before an answer")
            self._ahead += more
        text = self._ahead[:end].decode("latin-1")
        self._ahead = self._ahead[end + 4 :]
        return parse_head(text)

    def _receive(self, size: int, end_s: float | None = None) -> bytes:
        data = self._within(self._patience_end_s() if end_s is None else end_s, partial(self._socket.recv, size))
        self.moved_bytes += len(data)
        return data

    def _more(self, size: int = READ_BYTES) -> bytes:
        more = self._receive(size)
        if not more:
            raise WireError("the connection was closed in the middle of an answer")
        return more

    def _exactly(self, size: int) -> Iterator[bytes]:
        piece, self._ahead = self._ahead[:size], self._ahead[size:]
        left = size - len(piece)
        if piece:
            yield piece
        while left:
            piece = self._more(BODY_BYTES if left > READ_BYTES else READ_BYTES)
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
        while size := _chunk_size(self._line()):
            yield from self._exactly(size)
            if self._line():
                raise WireError("a chunk of the answer does not end where it says")
        trailers = 0
        while line := self._line():
            trailers += len(line)
            if trailers > MAX_HEAD_BYTES or _HEADER.fullmatch(line.decode("latin-1")) is None:
                raise WireError("the answer's trailers are too large, or not HTTP")

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
    status = _STATUS_LINE.fullmatch(status_line)
    if status is None:
        raise WireError("the answer is not HTTP")
    headers: dict[str, str] = {}
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise WireError("the answer has a header that is not HTTP")
        name, value = header[1].lower(), header[2].rstrip(" \t")
        headers[name] = f"{headers[name]}\n{value}" if name in headers else value
    options = {option.strip(" \t").lower() for option in headers.get("connection", "").replace("\n", ",").split(",")}
    is_last = "close" in options or (status[1] == "0" and "keep-alive" not in options)
    return Head(int(status[2]), headers, is_last)


def _framing(head: Head) -> tuple[int | None, bool]:
    """Return the length that an answer tells, and whether it comes in chunks instead."""
    length, coding = head.headers.get("content-length"), head.headers.get("transfer-encoding")
    if length is not None and _DECIMAL.fullmatch(length) is None:
        raise WireError("the answer has a length that is not a number")
    if coding is not None and coding.lower() != "chunked":
        raise WireError("the answer has a transfer coding that was not asked for")
    return (None if length is None else int(length)), coding is not None


def _chunk_size(line: bytes) -> int:
    """Read the size of a chunk; what may follow it (an extension) means nothing to us."""
    found = _CHUNK.fullmatch(line)
    if found is None:
        raise WireError("a chunk of the answer has a size that is not a number")
    return int(found[1], 16)
