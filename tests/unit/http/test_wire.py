"""HTTP/1.1 as servers and proxies send it, in whatever pieces it comes."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from bundler.http.wire import MAX_HEAD_BYTES, ClosedError, Connection, Head, TimeLimits, WireError, parse_head
from tests.lib.clocks import SOON_S


class PiecewiseSocket:
    """A socket that hands out what it was given in pieces of given sizes."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data, self._sizes = data, iter(sizes)

    def recv(self, limit: int) -> bytes:
        size = min(next(self._sizes, limit), limit)
        piece, self._data = self._data[:size], self._data[size:]
        return piece

    def settimeout(self, seconds: float) -> None:
        del seconds

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
    it = connection(first, sizes)
    answer = it.read_head()
    assert answer.status == 200
    assert body_of(it, answer) == body
    assert it.is_reusable


def body_of(it: Connection, answer: Head) -> bytes:
    return b"".join(it.pieces(answer))


def test_what_comes_beyond_the_end_of_an_answer_is_not_taken_for_the_next_one() -> None:
    it = connection(head("Content-Length: 2") + b"ok" + head("Content-Length: 4") + b"evil")
    assert body_of(it, it.read_head()) == b"ok"
    assert not it.is_reusable


@given(st.binary(max_size=300), st.lists(st.integers(1, 30), max_size=60))
def test_anything_else_is_an_error_of_ours(data: bytes, sizes: list[int]) -> None:
    for prefix in (b"", head("Transfer-Encoding: chunked"), head("Content-Length: 500")):
        it = connection(prefix + data, sizes)
        # What is HTTP after all may pass; nothing but WireError may leave.
        with suppress(WireError):
            body_of(it, it.read_head())


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
    assert body_of(it, it.read_head()) == b"x"


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_body_leave_the_connection_usable(status: int) -> None:
    it = connection(f"HTTP/1.1 {status} X\r\n\r\n".encode())
    assert body_of(it, it.read_head()) == b""
    assert it.is_reusable


def test_a_body_without_length_ends_with_the_connection() -> None:
    it = connection(head() + b"all of it", [10, 3])
    assert body_of(it, it.read_head()) == b"all of it"
    assert not it.is_reusable


def test_silence_is_told_from_a_cut() -> None:
    with pytest.raises(ClosedError):
        connection(b"").read_head()
    with pytest.raises(WireError, match="in the middle"):
        connection(b"HTTP/1.1 2").read_head()
    it = connection(head("Content-Length: 5") + b"abc")
    with pytest.raises(WireError, match="in the middle"):
        body_of(it, it.read_head())


@pytest.mark.parametrize("length", ["-1", "+5", "1_0", "x", "0x5", "1.5"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    it = connection(head(f"Content-Length: {length}") + b"abcdefghijklmnop")
    with pytest.raises(WireError):
        body_of(it, it.read_head())


def test_headers_without_end_are_refused() -> None:
    with pytest.raises(WireError, match="too large"):
        connection(b"HTTP/1.1 200 OK\r\nX: " + b"a" * (MAX_HEAD_BYTES * 3)).read_head()


def test_trailers_without_end_are_refused() -> None:
    it = connection(head("Transfer-Encoding: chunked") + b"0\r\n" + b"X: y\r\n" * MAX_HEAD_BYTES)
    with pytest.raises(WireError, match="trailers"):
        body_of(it, it.read_head())


def test_interim_answers_without_end_are_refused() -> None:
    with pytest.raises(WireError, match="interim"):
        connection(b"HTTP/1.1 102 Processing\r\n\r\n" * 1000).read_head()


@pytest.mark.parametrize(
    "line",
    [
        "HTTP/1.1 \u00b2\u00b2\u00b2 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 +20 OK",
        "HTTP/2 200 OK",
        "HTTP/1.1200 OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1 101 Switching Protocols",
        "",
    ],
)
def test_a_status_line_outside_the_grammar_is_refused(line: str) -> None:
    with pytest.raises(WireError):
        connection(f"{line}\r\n\r\n".encode("latin-1")).read_head()


@pytest.mark.parametrize("header", ["no colon", ": no name", "a b: c", "X : y", "X: a\x00b", "X: a\nY: b", " folded"])
def test_a_header_outside_the_grammar_is_refused(header: str) -> None:
    with pytest.raises(WireError, match="header"):
        connection(head(header)).read_head()


@pytest.mark.parametrize(
    "headers",
    [
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 3"),
        ("Content-Length: 3", "Content-Length: 4"),
        ("Content-Length: 3, 3",),
        ("Content-Length:",),
    ],
)
def test_an_answer_whose_end_can_be_read_in_two_ways_is_refused(headers: tuple[str, ...]) -> None:
    it = connection(head(*headers) + b"3\r\nabc\r\n0\r\n\r\n")
    with pytest.raises(WireError):
        body_of(it, it.read_head())


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def exchange(it: Connection, limits: TimeLimits) -> bytes:
    """Send something, and return the body of what is answered."""
    it.send(b"x", limits)
    return body_of(it, it.read_head())


CHUNKS = head("Transfer-Encoding: chunked")
GAP_S = 0.01


@pytest.fixture
def dripping(pair: tuple[socket.socket, socket.socket]) -> Iterator[Callable[[bytes, bytes], Connection]]:
    """Return a connection to a peer that sends something at once and then something else byte by byte, for ever."""
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def drip(at_once: bytes, then: bytes) -> Connection:
        def send() -> None:
            with suppress(OSError):
                pair[1].sendall(at_once)
                for byte in itertools.cycle(then):
                    if ended.wait(GAP_S):
                        return
                    pair[1].sendall(bytes([byte]))

        threads.append(threading.Thread(target=send))
        threads[-1].start()
        return Connection(pair[0])

    yield drip
    ended.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    ("at_once", "then"),
    [
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        (head("Content-Length: 100000"), b"x"),
        (head(), b"x"),
        (CHUNKS, b"1\r\nx\r\n"),
        (CHUNKS, b"0"),
        (CHUNKS + b"0\r\n", b"X-A: b\r\n"),
    ],
    ids=["interim", "headers", "length", "until closed", "chunks", "chunk size", "trailers"],
)
@pytest.mark.parametrize("limit", ["total", "budget"])
def test_a_peer_that_drips_does_not_hold_an_exchange_beyond_its_time(
    dripping: Callable[[bytes, bytes], Connection],
    at_once: bytes,
    then: bytes,
    limit: str,
) -> None:
    began_s = time.monotonic()
    end_s = began_s + 0.15
    limits = TimeLimits(5.0, 0.15) if limit == "total" else TimeLimits(5.0, budget=lambda: end_s - time.monotonic())
    it = dripping(at_once, then)
    with pytest.raises(TimeoutError):
        exchange(it, limits)
    assert 0.1 < time.monotonic() - began_s < SOON_S


@pytest.mark.medium
def test_each_piece_of_a_body_is_waited_for_anew(dripping: Callable[[bytes, bytes], Connection]) -> None:
    patience_s = 0.4  # forty times as long as any piece takes to come, and not as long as all of them
    it = dripping(head("Content-Length: 60"), b"x")
    assert exchange(it, TimeLimits(patience_s)) == b"x" * 60


def test_a_head_is_waited_for_once(dripping: Callable[[bytes, bytes], Connection]) -> None:
    it = dripping(b"", head("Content-Length: 20"))
    with pytest.raises(TimeoutError):
        exchange(it, TimeLimits(0.1))


def test_a_peer_that_does_not_read_does_not_hold_a_request(pair: tuple[socket.socket, socket.socket]) -> None:
    it = Connection(pair[0])
    with pytest.raises(TimeoutError):
        it.send(b"x" * 50_000_000, TimeLimits(0.1))


def test_a_closed_idle_connection_is_noticed(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    it = Connection(ours)
    assert it.is_quiet()
    theirs.close()
    assert not it.is_quiet()
    it.close()
    assert not it.is_quiet()
