"""Answers that are read while they come in: watches and logs. Layer: adapter."""

from __future__ import annotations

import math
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bundler.cluster import targets
from bundler.cluster.errors import error_of_status, unreadable
from bundler.cluster.request import METADATA_ONLY
from bundler.cluster.status import status_of
from bundler.errors.cluster import UnavailableError
from bundler.http.retry import failure_of_error
from bundler.http.wire import TimeLimits, WireError
from bundler.model.cluster import WatchEvent
from bundler.model.json import decode_json, mapping_at, text_at
from bundler.model.lean import replace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from bundler.cluster.request import Request
    from bundler.cluster.transport import Transport
    from bundler.http.wire import Connection
    from bundler.model.cluster import ListQuery
    from bundler.model.json import Body
    from bundler.ports import Clock

ROUND_S = 30.0
"""A watch is opened again at least this often: a right that was revoked is noticed, and so is a silent server."""
SHORTEST_ROUND = 2 / 3
"""Of a round: how long it takes is left to chance, so that many watches do not come back at once."""
GRACE_S = 5.0
"""For the server to end a round as it was asked to; after that it is taken for silent."""
PAUSE_S = 0.5
LOG_IDLE_S = 3600.0
LOG_PART_BYTES = 1024 * 1024
MAX_LINE_BYTES = 64 * 1024 * 1024
_PASSING = frozenset({429, 500, 502, 503, 504})
_MOVES = frozenset({"ADDED", "MODIFIED", "DELETED"})


class WatchControl:
    """How long a watch may continue: until its time is over, or until any thread cuts it."""

    def __init__(self, clock: Clock, timeout_s: float) -> None:
        self.clock = clock
        self._end = clock.monotonic() + timeout_s
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self.is_cut = False

    @contextmanager
    def holding(self, connection: Connection) -> Iterator[None]:
        """Hold the connection that is read in the block."""
        self._hold(connection)
        try:
            yield
        finally:
            self._hold(None)

    def _hold(self, connection: Connection | None) -> None:
        with self._lock:
            self._connection = connection
            if self.is_cut and connection is not None:
                connection.shut_down()

    def left_s(self) -> float:
        """Return the seconds that are left, 0 where it was cut."""
        return 0.0 if self.is_cut else max(0.0, self._end - self.clock.monotonic())

    def cut(self) -> None:
        """End it, now and for ever."""
        with self._lock:
            self.is_cut = True
            if self._connection is not None:
                self._connection.shut_down()


class Watch:
    """The events of a watch, as bundler.ports.EventStream says."""

    def __init__(self, events: Iterator[WatchEvent], leash: WatchControl) -> None:
        self._events, self._leash = events, leash

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> WatchEvent:
        return next(self._events)

    def close(self) -> None:
        """End the watch, from any thread."""
        self._leash.cut()


def follow_watch(
    transport: Transport, request: Request, query: ListQuery, *, resource_version: str, leash: WatchControl
) -> Iterator[WatchEvent]:
    """Yield the events of one watch after another, each continuing where the last one ended, as far as the leash goes.

    Each round that the server ends as it should is followed by a bookmark: up to there everything was heard. A server
    that fell silent ends all of it, quietly: what was missed is found by a list.

    Args:
        transport: sends the requests.
        request: of the watch.
        query: which objects, and in which form.
        resource_version: to start after.
        leash: bounds and cuts the watch.

    Raises:
        ExpiredError: when the server does not remember the resourceVersion any more.
        UnavailableError: when no watch could be opened within the time of a round.
        ClusterError: what else it answers, and when that is not a watch.
    """
    kind = request.resource
    if kind is None:
        return
    clock, position = leash.clock, resource_version
    while (left := leash.left_s()) > 0:
        began = clock.monotonic()
        round_s = ROUND_S * (SHORTEST_ROUND + (1 - SHORTEST_ROUND) * os.urandom(1)[0] / 255)
        target = targets.watch_target(kind, query, resource_version=position, timeout_s=math.ceil(min(left, round_s)))
        accept = METADATA_ONLY if query.metadata_only else request.accept
        patience_s = left if left <= round_s else round_s + GRACE_S
        asked = replace(request, target=target, accept=accept, within_s=patience_s)
        for event in _watch_once(transport, asked, leash, position=position, end=began + patience_s):
            position = text_at(event.body, "metadata", "resourceVersion") or position
            yield event
        if clock.monotonic() >= began + patience_s:
            transport.forget_connections()
            return
        if clock.monotonic() - began < PAUSE_S:
            # A server that ends every watch at once is not asked a thousand times a second.
            clock.sleep(min(PAUSE_S, leash.left_s()))


def follow_log(transport: Transport, request: Request, *, is_following: bool) -> Iterator[str]:
    """Yield lines; a line without end comes in parts. While following, a connection that breaks ends them.

    Args:
        transport: sends the requests.
        request: of the log.
        is_following: wait for new lines.

    Raises:
        UnavailableError: when a log that is not followed breaks off, or takes too long; after its last line.
        ClusterError: what the server answers.
    """
    with transport.stream(request) as (connection, pieces):
        if is_following:
            connection.limit(transport.idle_limits(LOG_IDLE_S))
        broken: list[Exception] = []
        for line in _lines(_until_broken(pieces, broken), part_bytes=LOG_PART_BYTES):
            yield line.decode(errors="replace")
    if broken and not is_following:
        why = failure_of_error(broken[0], may_have_arrived=True).why
        hint = "read less (--tail, --since, --container), or allow more with --timeout"
        raise UnavailableError(request.doing, context=[f"the log ends here: {why}"], hint=hint)


def _watch_once(
    transport: Transport, request: Request, leash: WatchControl, *, position: str, end: float
) -> Iterator[WatchEvent]:
    """Yield the events of one round, and a bookmark where the server ended it as it should."""
    with transport.stream(request) as (connection, pieces), leash.holding(connection):
        for line in _lines(_until_broken(_bounded(connection, pieces, end=end, clock=leash.clock), [])):
            event = _event(line, request)
            if event is None:
                raise unreadable(request, transport.name)
            if event.type == "ERROR":
                status = status_of(event.body)
                if status.code in _PASSING:
                    return
                raise error_of_status(request, status, user=transport.sender)
            position = text_at(event.body, "metadata", "resourceVersion") or position
            yield event
        if connection.is_reusable:
            yield _filled("BOOKMARK", {"metadata": {"resourceVersion": position}}, request)


def _event(line: bytes, request: Request) -> WatchEvent | None:
    """Return what a line of a watch says; None where it says nothing that a watch could."""
    try:
        said = decode_json(line)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    kind, body = text_at(said, "type"), mapping_at(said, "object")
    if kind == "ERROR":
        return WatchEvent(type=kind, body=body)
    is_one = kind == "BOOKMARK" or (kind in _MOVES and text_at(body, "metadata", "name"))
    return _filled(kind, body, request) if is_one else None


def _filled(event: str, body: Body, request: Request) -> WatchEvent:
    """Fill in what metadata-only events do not say."""
    kind = request.resource
    return WatchEvent(type=event, body={**body, "apiVersion": kind.api_version, "kind": kind.kind} if kind else body)


def _bounded(connection: Connection, pieces: Iterator[bytes], *, end: float, clock: Clock) -> Iterator[bytes]:
    while (left := end - clock.monotonic()) > 0:
        connection.limit(TimeLimits(left, left))
        piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def _until_broken(pieces: Iterator[bytes], broken: list[Exception]) -> Iterator[bytes]:
    """Yield until time is over or the connection breaks, and put down why: a watch continues elsewhere, a log ends."""
    try:
        yield from pieces
    except (OSError, WireError) as error:
        broken.append(error)


def _lines(pieces: Iterator[bytes], *, part_bytes: int = 0) -> Iterator[bytes]:
    """Split into lines.

    Args:
        pieces: as they come in.
        part_bytes: yield a longer line in parts of that size, and what comes after the last line end. 0: that is half
            an event, and no one's, unless it never was the beginning of one; a line without end ends it all.
    """
    rest = bytearray()
    for piece in pieces:
        first, *more = piece.split(b"\n")
        rest += first
        while part_bytes and len(rest) > part_bytes:
            yield bytes(rest[:part_bytes])
            del rest[:part_bytes]
        if more:
            yield bytes(rest)
            yield from more[:-1]
            rest = bytearray(more[-1])
        if len(rest) > MAX_LINE_BYTES:
            return
    if rest and (part_bytes or not rest.startswith(b"{")):
        yield bytes(rest)
