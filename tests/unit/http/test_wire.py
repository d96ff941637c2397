"""HTTP/1.1 as servers and proxies send it, in whatever pieces it comes."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from bundler.http.wire import MAX_HEAD_BYTES, ClosedError, Connection, WireError, parse_head


class PiecewiseSocket:
    """A socket that hands out what it was given in pieces of given sizes."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data, self._sizes = data, iter(sizes)

    def recv(self, limit: int) -> bytes:
        size = min(next(self._sizes, limit), limit)
        piece, self._data = self._data[:size], self._data[size:]
        return piece

    def close(self) -> None:
        self._data = b""


def connection(data: bytes, sizes: list[int] | None = None) -> Connection:
    return Connection(PiecewiseSocket(data, sizes or []))  # type: ignore[arg-type]  # a socket is more than this


def head(*lines: str) -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", *lines, "", "")).encode()


def chunked(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"


@given(st.lists(st.binary(max_size=40), max_size=6), st.lists(st.integers(1, 30), max_size=60), st.booleans())
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(
    pieces: list[bytes], sizes: list[int], is_chunked: bool
) -> None:
    body = b"".join(pieces)
    first = (
        head("Transfer-Encoding: chunked") + chunked(pieces)
        if is_chunked
        else head(f"Content-Length: {len(body)}") + body
    )
    second = head("Content-Length: 3") + b"end"
    it = connection(first + second, sizes)
    for expected in (body, b"end"):
        answer = it.read_head()
        assert answer.status == 200
        assert it.read_body(answer) == expected
        assert it.is_reusable


@given(st.binary(max_size=300), st.lists(st.integers(1, 30), max_size=60))
def test_anything_else_is_an_error_of_ours(data: bytes, sizes: list[int]) -> None:
    for prefix in (b"", head("Transfer-Encoding: chunked"), head("Content-Length: 500")):
        it = connection(prefix + data, sizes)
        # What is HTTP after all may pass; nothing but WireError may leave.
        with suppress(WireError):
            it.read_body(it.read_head())


def test_names_are_lowered_and_repeated_headers_kept() -> None:
    parsed = parse_head('HTTP/1.1 201 Created\r\nWarning: 299 - "a"\r\nX:  y \r\nwarning: 299 - "b"')
    assert (parsed.status, parsed.is_last) == (201, False)
    assert parsed.headers == {"warning": '299 - "a"\n299 - "b"', "x": "y"}


@pytest.mark.parametrize(
    ("text", "is_last"),
    [
        ("HTTP/1.1 200 OK", False),
        ("HTTP/1.1 200 OK\r\nConnection: close", True),
        ("HTTP/1.1 200 OK\r\nConnection: Keep-Alive", False),
        ("HTTP/1.0 200 OK", True),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive", False),
    ],
)
def test_the_server_says_whether_the_connection_goes_on(text: str, is_last: bool) -> None:
    assert parse_head(text).is_last is is_last


def test_interim_answers_are_passed_over() -> None:
    it = connection(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + head("Content-Length: 1") + b"x"
    )
    assert it.read_body(it.read_head()) == b"x"


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_body_leave_the_connection_usable(status: int) -> None:
    it = connection(f"HTTP/1.1 {status} X\r\n\r\n".encode())
    assert it.read_body(it.read_head()) == b""
    assert it.is_reusable


def test_a_body_without_length_ends_with_the_connection() -> None:
    it = connection(head() + b"all of it", [10, 3])
    assert it.read_body(it.read_head()) == b"all of it"
    assert not it.is_reusable


def test_silence_is_told_from_a_cut() -> None:
    with pytest.raises(ClosedError):
        connection(b"").read_head()
    with pytest.raises(WireError, match="in the middle"):
        connection(b"HTTP/1.1 2").read_head()
    it = connection(head("Content-Length: 5") + b"abc")
    with pytest.raises(WireError, match="in the middle"):
        it.read_body(it.read_head())


@pytest.mark.parametrize("length", ["-1", "+5", "1_0", "x", "0x5", "1.5"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    it = connection(head(f"Content-Length: {length}") + b"abcdefghijklmnop")
    with pytest.raises(WireError):
        it.read_body(it.read_head())


def test_headers_without_end_are_refused() -> None:
    with pytest.raises(WireError, match="too large"):
        connection(b"HTTP/1.1 200 OK\r\nX: " + b"a" * (MAX_HEAD_BYTES * 3)).read_head()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_a_closed_idle_connection_is_noticed(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    it = Connection(ours)
    assert it.is_quiet()
    theirs.close()
    assert not it.is_quiet()
    it.close()
    assert not it.is_quiet()
