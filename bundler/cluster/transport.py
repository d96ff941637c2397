"""Send requests: kept connections, credentials, retries. Layer: adapter."""

from __future__ import annotations

import time
import zlib
from contextlib import contextmanager
from copy import copy
from functools import partial
from typing import TYPE_CHECKING

from bundler.cluster.errors import Sender, error_of, unavailable, unreadable
from bundler.cluster.request import Reply
from bundler.cluster.retry import failure_of
from bundler.errors.change import LockLostError
from bundler.errors.cluster import CredentialsError, RejectedError, UnavailableError
from bundler.http.exchange import BrokenError, Exchange, RetryBudget, UnsendableError, limits_of, request_head
from bundler.http.retry import Failure
from bundler.http.wire import WireError, no_end
from bundler.model.lean import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

    from bundler.cluster.credentials import Credentials
    from bundler.cluster.kubeconfig import UserEntry
    from bundler.cluster.request import Request
    from bundler.http.client_config import ClientConfig
    from bundler.http.dial import Pool
    from bundler.http.exchange import Started
    from bundler.http.proxy import Address
    from bundler.http.wire import Connection, TimeLimits
    from bundler.model.json import Body
    from bundler.ports import HeldLock

READ_TIMEOUT_S = 30.0
ONE_TRY_S = 5.0
WRITE_TIMEOUT_S = 65.0
"""A write waits for admission webhooks, up to 30 s each; after 60 s the API server itself gives up and says so."""
GARBLED_TRIES = 3
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024


class _Trial:
    """How a request went so far."""

    def __init__(self, retries: RetryBudget, rest_s: Callable[[], float]) -> None:
        self.retries = retries
        self.rest_s = rest_s
        """What is left of the request's own time."""
        self.is_unclear = self.is_renewed = False
        self.garbled = 0
        """Answers of success that could not be read."""


class Transport:
    """Carries requests to one server until they are answered or the time budget ends. Threads may share it."""

    def __init__(
        self,
        server: Address,
        *,
        pool: Pool,
        credentials: Credentials,
        around: ClientConfig,
        user: UserEntry,
    ) -> None:
        self._user = user
        self._server, self._credentials, self._around = server, credentials, around
        self._exchange = Exchange(pool)
        self._held: HeldLock | None = None
        self._is_known = False
        """The server took our credentials at least once."""
        self.name = f"{server.scheme}://{server.authority}"
        # On loopback compressing only costs: lists of 600 objects took 33 ms with it and 28 ms without.
        self._is_far = server.host not in {"127.0.0.1", "::1", "localhost"}

    @property
    def is_acting(self) -> bool:
        """Whether the server is asked to treat us as someone else."""
        return bool(self._user.impersonation)

    @property
    def sender(self) -> Sender:
        """As whom requests are sent."""
        return Sender(name=self._user.name, acts_as=dict(self._user.impersonation).get("Impersonate-User", ""))

    def guarded(self, held: HeldLock) -> Self:
        """Return this transport; each try of a write begins and ends while the lock is certainly held."""
        other = copy(self)
        other._held = held  # noqa: SLF001 - a copy of ourselves
        return other

    def send(self, request: Request) -> Reply:
        """Return the final answer, whatever its status; passing failures are tried again until the budget ends.

        Raises:
            UnavailableError: when the server could not be reached, or kept failing.
            LockLostError: when a write needs a lock that is no longer held.
            CredentialsError, KubeconfigError: when credentials or certificates cannot be had.
        """
        trial = self._trial(request)
        try:
            return self._answered(request, trial)
        except (UnavailableError, LockLostError) as error:
            if request.is_write and trial.is_unclear:
                raise error.unclear() from error
            raise

    def _answered(self, request: Request, trial: _Trial) -> Reply:
        while True:
            try:
                reply = self._read(self._start(request, trial), request)
            except BrokenError as broken:
                failure: Failure | None = broken.failure
                cause: Exception | None = broken.__cause__ if isinstance(broken.__cause__, Exception) else broken
            else:
                failure, cause = failure_of(request, reply), None
                if failure is None and not self._is_worth_renewing(reply, trial):
                    reply, failure = self._legible(reply, trial)
                    if failure is None:
                        return replace(reply, is_unclear=True) if trial.is_unclear else reply
            if failure is not None:
                trial.is_unclear |= failure.may_have_arrived
                trial.retries.pause(failure, cause)

    def _legible(self, reply: Reply, trial: _Trial) -> tuple[Reply, Failure | None]:
        """Decode an answer; one that is not JSON comes from something in between, and may pass."""
        if reply.status >= 300:
            return reply, None
        try:
            return replace(reply, decoded=reply.json()), None
        except ValueError:
            trial.garbled += 1
            why = f"{reply.status}: the answer is not a JSON object"
            return reply, Failure(why=why) if trial.garbled < GARBLED_TRIES else None

    def body_of(self, request: Request, reply: Reply) -> Body:
        """Return the object in an answer.

        Raises:
            ClusterError: what the server refuses, or when its answer is not an object.
        """
        if reply.status >= 400:
            raise error_of(request, reply.status, reply.body, user=self.sender)
        try:
            return reply.json()
        except ValueError as error:
            found = unreadable(request, self.name)
            raise (found.unclear() if request.is_write else found) from error

    @contextmanager
    def stream(self, request: Request) -> Iterator[tuple[Connection, Iterator[bytes]]]:
        """Open an answer that is read while it comes in; its connection is kept where it was read to its end.

        Raises:
            ClusterError: what the server refuses; UnavailableError as for `send`.
        """
        started = self._open(request)
        try:
            yield started.connection, started.connection.pieces(started.head)
        finally:
            self._exchange.pool.give_back(started.connection)

    def idle_limits(self, patience_s: float) -> TimeLimits:
        """Return limits for an answer that continues by itself, with pauses, as long as the command has time."""
        return limits_of(patience_s, self._around)

    def forget_connections(self) -> None:
        """Take none of the kept connections any more: the server fell silent on one, and others may be as dead."""
        self._exchange.pool.clear()

    def close(self) -> None:
        """Close the kept connections."""
        self._exchange.pool.close()

    def _open(self, request: Request) -> Started:
        trial = self._trial(request)
        while True:
            try:
                started = self._start(request, trial)
                if started.head.status < 400:
                    return started
                reply = self._read(started, request)
            except BrokenError as broken:
                trial.retries.pause(_judged(broken.failure, request), broken)
                continue
            failure = failure_of(request, reply)
            if failure is not None:
                trial.retries.pause(_judged(failure, request))
            elif not self._is_worth_renewing(reply, trial):
                raise error_of(request, reply.status, reply.body, user=self.sender)

    def _trial(self, request: Request) -> _Trial:
        around, rest_s = self._around, no_end
        if request.within_s is not None:
            rest_s = partial(_rest_s, time.monotonic() + request.within_s)
            around = replace(around, budget=lambda: min(self._around.budget(), rest_s()))
        retries = RetryBudget(request.doing, around, self._gave_up, lambda: self._exchange.has_answered)
        return _Trial(retries, rest_s)

    def _start(self, request: Request, trial: _Trial) -> Started:
        """Send a request and read the head of its answer.

        Raises:
            BrokenError: when there was none.
            LockLostError: before a write that needs a lock which is no longer held.
        """
        held = self._held if request.is_write else None
        if held is not None:
            held.held()
        is_read = request.method == "GET"
        patience_s = ONE_TRY_S if request.is_tried_once else READ_TIMEOUT_S if is_read else WRITE_TIMEOUT_S
        is_whole = request.is_tried_once or not is_read
        rest_s = held.rest_s if held is not None else trial.rest_s
        limits = limits_of(patience_s, self._around, is_whole=is_whole, rest_s=rest_s)
        try:
            started = self._exchange.start(self._bytes_of(request), limits)
        except BrokenError:
            self._around.count(request.verb, 0)
            raise
        self._around.count(request.verb, started.head.status)
        trial.is_unclear |= started.is_repeated
        return started

    def _read(self, started: Started, request: Request) -> Reply:
        head = started.head
        body = self._exchange.finish(started.connection, head, method=request.method)
        if head.headers.get("content-encoding", "") == "gzip":
            body = _unpacked(body)
        return Reply(head.status, head.headers, body)

    def _bytes_of(self, request: Request) -> bytes:
        headers = [("Accept", request.accept)]
        acting = () if request.is_as_self else self._user.impersonation
        headers += [(name, _checked(value)) for name, value in (*self._credentials.headers(), *acting)]
        if request.is_large and self._is_far:
            headers.append(("Accept-Encoding", "gzip"))
        if request.body:
            headers += [("Content-Type", request.content_type), ("Content-Length", str(len(request.body)))]
        target = f"{self._server.prefix}{request.target}"
        try:
            head = request_head(request.method, target, self._server, headers)
        except UnsendableError as error:
            hint = "correct the name, which comes from the bundle or the command line"
            raise RejectedError(request.doing, context=[str(error)], hint=hint) from error
        return head + request.body

    def _is_worth_renewing(self, reply: Reply, trial: _Trial) -> bool:
        """Return whether a 401 may pass: there are other credentials, or the server took the same ones before."""
        if reply.status != 401:
            self._is_known |= reply.status < 400
            return False
        if trial.is_renewed:
            return False
        trial.is_renewed = True
        is_other = self._credentials.renew()
        if is_other:
            self._exchange.pool.close()  # another certificate counts for new connections only
        return is_other or self._is_known

    def _gave_up(self, doing: str, failure: Failure, tries: int) -> UnavailableError:
        return unavailable(doing, server=self.name, failure=failure, tries=tries)


def _judged(failure: Failure, request: Request) -> Failure:
    return replace(failure, is_final=True) if request.is_tried_once else failure


def _rest_s(end_s: float) -> float:
    return end_s - time.monotonic()


def _unpacked(body: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise BrokenError.of(error) from error
    if not unpacker.eof:
        raise BrokenError.of(WireError("the compressed answer is cut short"))
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
