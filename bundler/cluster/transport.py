"""Send requests: kept connections, credentials, retries. Layer: adapter."""

from __future__ import annotations

import os
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bundler.cluster.errors import error_of, unavailable, unreadable
from bundler.cluster.request import Reply
from bundler.cluster.retry import failure_of
from bundler.errors.cluster import CredentialsError
from bundler.http.retry import FIRST_CONTACT_TRIES, delay_s, failure_of_error
from bundler.http.wire import ClosedError, Connection, WireError
from bundler.model.events import Retrying
from bundler.model.lean import replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.cluster.credentials import Credentials
    from bundler.cluster.request import Request
    from bundler.http.dial import Pool
    from bundler.http.proxy import Address
    from bundler.http.retry import Failure
    from bundler.http.surroundings import Surroundings
    from bundler.http.wire import Head
    from bundler.model.json import Body

READ_TIMEOUT_S = 30.0
WRITE_TIMEOUT_S = 65.0
"""A write waits for admission webhooks, up to 30 s each; after 60 s the API server itself gives up and says so."""
MIN_TIMEOUT_S = 5.0
"""Even when the budget is used up a request gets this long: releasing a lock is worth it."""
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024


@dataclass(slots=True)
class _Trial:
    """How a request went so far."""

    tries: int = 0
    is_unclear: bool = False
    is_renewed: bool = False


class _BrokenError(Exception):
    """A try without an answer; ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.why)
        self.failure = failure


class Transport:
    """Carries requests to one server until they are answered or the time budget ends. Threads may share it."""

    def __init__(
        self,
        server: Address,
        *,
        pool: Pool,
        credentials: Credentials,
        around: Surroundings,
        user: str = "",
    ) -> None:
        self.user = user
        self._server, self._pool, self._credentials, self._around = server, pool, credentials, around
        self._name = f"{server.scheme}://{server.authority}"
        self._has_answered = False
        # On loopback compressing only costs: lists of 600 objects took 33 ms with it and 28 ms without.
        self._is_far = server.host not in {"127.0.0.1", "::1", "localhost"}

    def send(self, request: Request) -> Reply:
        """Return the final answer, whatever its status; passing failures are tried again until the budget ends.

        Raises:
            UnavailableError: when the server could not be reached, or went on failing.
            CredentialsError, KubeconfigError: when credentials or certificates cannot be had.
        """
        trial = _Trial()
        while True:
            trial.tries += 1
            try:
                reply = self._exchange(request, trial)
            except _BrokenError as broken:
                failure: Failure | None = broken.failure
                cause: Exception | None = broken.__cause__ if isinstance(broken.__cause__, Exception) else broken
            else:
                failure, cause = failure_of(request, reply), None
                if failure is None and not self._is_worth_renewing(reply, trial):
                    return replace(reply, is_unclear=True) if trial.is_unclear else reply
            if failure is not None:
                trial.is_unclear |= failure.may_have_arrived
                self._pause(request, trial, failure, cause)

    def body_of(self, request: Request, reply: Reply) -> Body:
        """Return the object in an answer.

        Raises:
            ClusterError: what the server refuses, or when its answer is no object.
        """
        if reply.status >= 400:
            raise error_of(request, reply.status, reply.body, user=self.user)
        try:
            return reply.json()
        except ValueError as error:
            raise unreadable(request, self._name) from error

    @contextmanager
    def stream(self, request: Request) -> Iterator[tuple[Connection, Iterator[bytes]]]:
        """Open an answer that is read while it comes in; its connection is closed afterwards.

        Raises:
            ClusterError: what the server refuses; UnavailableError as for `send`.
        """
        connection, head = self._open(request)
        try:
            yield connection, connection.pieces(head)
        finally:
            connection.close()

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.clear()

    def _open(self, request: Request) -> tuple[Connection, Head]:
        trial = _Trial()
        while True:
            trial.tries += 1
            try:
                connection, head = self._start(request, trial, is_fresh=True)
                if head.status < 400:
                    return connection, head
                reply = Reply(head.status, head.headers, _reading(connection, head))
                connection.close()
            except _BrokenError as broken:
                self._pause(request, trial, broken.failure, broken)
                continue
            failure = failure_of(request, reply)
            if failure is not None:
                self._pause(request, trial, failure, None)
            elif not self._is_worth_renewing(reply, trial):
                raise error_of(request, reply.status, reply.body, user=self.user)

    def _exchange(self, request: Request, trial: _Trial) -> Reply:
        """Send and read one answer.

        Raises:
            _BrokenError: when there was none.
        """
        connection, head = self._start(request, trial)
        body = _reading(connection, head)
        self._pool.give_back(connection)
        if head.headers.get("content-encoding", "") == "gzip":
            body = _unpacked(body)
        return Reply(head.status, head.headers, body)

    def _start(self, request: Request, trial: _Trial, *, is_fresh: bool = False) -> tuple[Connection, Head]:
        data = self._bytes_of(request)
        connection, is_kept = self._take(is_fresh=is_fresh)
        try:
            return connection, self._ask(connection, request, data)
        except (OSError, WireError) as error:
            connection.close()
            if not is_kept or isinstance(error, TimeoutError) or not isinstance(error, ClosedError | OSError):
                raise _BrokenError(failure_of_error(error, may_have_arrived=True)) from error
        # The server closed a kept connection, most likely before it saw the request, and the others with it. One fresh
        # try at once; whether the first one arrived stays open.
        self._pool.clear()
        trial.is_unclear = True
        connection, _ = self._take(is_fresh=True)
        try:
            return connection, self._ask(connection, request, data)
        except (OSError, WireError) as error:
            connection.close()
            raise _BrokenError(failure_of_error(error, may_have_arrived=True)) from error

    def _take(self, *, is_fresh: bool) -> tuple[Connection, bool]:
        try:
            return self._pool.take(is_fresh=is_fresh)
        except (OSError, WireError) as error:
            raise _BrokenError(failure_of_error(error, may_have_arrived=False)) from error

    def _ask(self, connection: Connection, request: Request, data: bytes) -> Head:
        patience_s = READ_TIMEOUT_S if request.method == "GET" else WRITE_TIMEOUT_S
        connection.send(data, timeout_s=max(MIN_TIMEOUT_S, min(patience_s, self._around.budget())))
        head = connection.read_head()
        self._has_answered = True
        return head

    def _bytes_of(self, request: Request) -> bytes:
        lines = [
            f"{request.method} {self._server.prefix}{request.target} HTTP/1.1",
            f"Host: {self._server.authority}",
            f"Accept: {request.accept}",
            "User-Agent: bundler",
            *(f"{name}: {_checked(value)}" for name, value in self._credentials.headers()),
        ]
        if request.is_large and self._is_far:
            lines.append("Accept-Encoding: gzip")
        if request.body:
            lines += [f"Content-Type: {request.content_type}", f"Content-Length: {len(request.body)}"]
        return "\r\n".join((*lines, "", "")).encode("latin-1") + request.body

    def _is_worth_renewing(self, reply: Reply, trial: _Trial) -> bool:
        if reply.status != 401 or trial.is_renewed:
            return False
        trial.is_renewed = True
        is_other = self._credentials.renew()
        if is_other:
            self._pool.clear()  # another certificate counts for new connections only
        return is_other

    def _pause(self, request: Request, trial: _Trial, failure: Failure, cause: Exception | None) -> None:
        """Wait before the next try.

        Raises:
            UnavailableError: when there is no time left, or waiting would not help.
        """
        pause = delay_s(trial.tries, wait_s=failure.wait_s, jitter=os.urandom(1)[0] / 255)
        is_switched_off = failure.is_contact and not self._has_answered and trial.tries >= FIRST_CONTACT_TRIES
        if failure.is_final or is_switched_off or pause >= self._around.budget():
            raise unavailable(
                request.doing,
                server=self._name,
                why=failure.why,
                tries=trial.tries,
                is_trust=failure.is_trust,
                is_proxy=failure.is_proxy,
            ) from cause
        self._around.report(Retrying(doing=request.doing, attempt=trial.tries, why=failure.why))
        self._around.clock.sleep(pause)


def _reading(connection: Connection, head: Head) -> bytes:
    try:
        return connection.read_body(head)
    except (OSError, WireError) as error:
        connection.close()
        raise _BrokenError(failure_of_error(error, may_have_arrived=True)) from error


def _unpacked(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise _BrokenError(failure_of_error(error, may_have_arrived=True)) from error
    if not unpacker.eof:
        raise _BrokenError(failure_of_error(WireError("the compressed answer is cut short"), may_have_arrived=True))
    return unpacked


def _checked(value: str) -> str:
    """Refuse a credential that would end its own header line."""
    if value.isascii() and value.isprintable():
        return value
    raise CredentialsError(
        "sending credentials",
        context=["the token (or the user to impersonate) holds characters that a header cannot carry"],
        hint="check it for line ends and stray bytes",
    )
