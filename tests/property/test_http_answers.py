"""Answers are read as h11 reads them: every valid one, and no broken one in another way."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import h11
from hypothesis import given, settings, strategies as st

from bundler.http.wire import Connection, WireError
from tests.lib.laws import examples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Read(NamedTuple):
    """What came of an answer."""

    status: int
    headers: Mapping[str, tuple[str, ...]]
    body: bytes


class Peer:
    """A socket whose other end sent some bytes, in pieces of given sizes, and closed."""

    def __init__(self, data: bytes, sizes: Sequence[int]) -> None:
        self._data, self._sizes = data, iter(sizes)

    def recv(self, limit: int) -> bytes:
        size = min(next(self._sizes, limit), limit)
        piece, self._data = self._data[:size], self._data[size:]
        return piece

    def settimeout(self, seconds: float) -> None:
        del seconds

    def close(self) -> None:
        self._data = b""


def read_by_us(data: bytes, sizes: Sequence[int], method: str = "GET") -> Read | None:
    connection = Connection(Peer(data, sizes))  # type: ignore[arg-type]  # a socket is more than this
    try:
        head = connection.read_head()
        body = b"".join(connection.pieces(head, answers=method))
    except WireError:
        return None
    return Read(head.status, {name: tuple(value.split("\n")) for name, value in head.headers.items()}, body)


def read_by_h11(data: bytes, method: str = "GET") -> Read | None:
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    client.receive_data(b"")
    status, headers, body = 0, defaultdict[str, tuple[str, ...]](tuple), b""
    try:
        while not isinstance(event := client.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
                for name, value in event.headers:
                    headers[name.decode()] += (value.decode("latin-1"),)
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None
    return Read(status, dict(headers), body)


NAMES = st.sampled_from(["Warning", "x-a", "X-B", "Retry-After", "ETag"])
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=12)
SIZES = st.lists(st.integers(1, 30), max_size=80)


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, str]:
    """Draw the bytes of a valid answer as a server sends them, and the method that it answers."""
    method = draw(st.sampled_from(["GET", "GET", "HEAD", "POST"]))
    status = draw(st.sampled_from([200, 201, 204, 206, 304, 404, 409, 500]))
    pieces = draw(st.lists(st.binary(max_size=40), max_size=5))
    headers = [(name, value.strip(" \t")) for name, value in draw(st.lists(st.tuples(NAMES, VALUES), max_size=4))]
    size = sum(map(len, pieces))
    framing = draw(st.sampled_from([[("Content-Length", str(size))], [("Transfer-Encoding", "chunked")], []]))
    server = h11.Connection(h11.SERVER)
    version = draw(st.sampled_from(["1.1", "1.1", "1.0"]))
    server.receive_data(f"{method} / HTTP/{version}\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
    server.next_event()
    server.next_event()
    sent = b""
    if version == "1.1":
        for code in draw(st.lists(st.sampled_from([100, 102, 103]), max_size=3)):
            sent += server.send(h11.InformationalResponse(status_code=code, headers=[])) or b""
    encoded = [(name, value.encode("latin-1")) for name, value in [*headers, *framing]]
    sent += (
        server.send(h11.Response(status_code=status, headers=encoded, reason=draw(st.sampled_from(["", "OK"])))) or b""
    )
    if method != "HEAD" and status not in {204, 304}:
        for piece in pieces:
            sent += server.send(h11.Data(data=piece)) or b""
        sent += server.send(h11.EndOfMessage()) or b""
    return sent, method


@settings(max_examples=examples(100))
@given(answers(), SIZES)
def test_a_valid_answer_is_read_as_h11_reads_it(answer: tuple[bytes, str], sizes: list[int]) -> None:
    data, method = answer
    expected = read_by_h11(data, method)
    assert expected is not None
    assert read_by_us(data, sizes, method) == expected


@st.composite
def broken_answers(draw: st.DrawFn) -> tuple[bytes, str]:
    """Draw a valid answer in which a few bytes were removed, put in or exchanged."""
    data, method = draw(answers())
    odd = st.one_of(
        st.binary(max_size=4),
        st.sampled_from(
            [
                b"\r\n",
                b"\n",
                b"\r",
                b"\r\n\r\n",
                b" ",
                b":",
                b";",
                b"\xb2",
                b"_",
                b"+",
                b"0x",
                b"\r\nContent-Length: 3",
                b"\r\nTransfer-Encoding: chunked",
                b"\r\nTransfer-Encoding: gzip",
                b"\r\n folded",
                b"HTTP/1.1 101 X\r\n\r\n",
            ]
        ),
    )
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 6)))
        data = data[:start] + draw(odd) + data[end:]
    return data, method


@settings(max_examples=examples(100))
@given(broken_answers(), SIZES)
def test_a_broken_answer_is_refused_or_read_as_h11_reads_it(answer: tuple[bytes, str], sizes: list[int]) -> None:
    data, method = answer
    ours = read_by_us(data, sizes, method)
    if ours is not None:
        assert ours == read_by_h11(data, method)
