"""Carry requests to one server: kept connections, retries, bodies that stream. Layer: adapter."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from bundler.errors.delivery import RegistryRejectedError
from bundler.http.exchange import BrokenError, Exchange, RetryBudget, UnsendableError, limits_of, request_head
from bundler.http.retry import PASSING_STATUS, Failure, retry_after_s
from bundler.http.wire import TimeLimits, WireError
from bundler.oci.connection_budget import ConnectionBudget
from bundler.oci.errors import OUT_OF_TIME
from bundler.oci.requests import MAX_ANSWER_BYTES, Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bundler.errors.delivery import RegistryError
    from bundler.http.client_config import ClientConfig
    from bundler.http.dial import Pool
    from bundler.http.exchange import Started
    from bundler.http.proxy import Address
    from bundler.http.wire import Connection, Head
    from bundler.oci.requests import OciRequest

TIMEOUT_S = 30.0
COMMIT_TIMEOUT_S = 600.0
"""The end of an upload: registries on object stores copy the whole blob before they answer."""
EARLY_ANSWER_S = 2.0
SILENCE_S = 10.0
"""How long a server that never answered is taken to be away."""


class _Silence(NamedTuple):
    """A server that never answered, and was given up."""

    failure: Failure
    tries: int
    until_s: float
    """Until when it is not tried again."""


class Transport:
    """One server. Threads may share it."""

    def __init__(
        self,
        server: Address,
        *,
        pool: Pool,
        around: ClientConfig,
        give_up: Callable[[str, Failure, int], RegistryError],
    ) -> None:
        self.server, self._around, self._give_up = server, around, give_up
        self._exchange = Exchange(pool)
        self._silence: _Silence | None = None
        self._contact = threading.Lock()
        self.connection_budget = ConnectionBudget()

    def retry_budget(self, doing: str) -> RetryBudget:
        """Return patience for one thing that is done."""
        return RetryBudget(doing, self._around, self._gave_up, lambda: self._exchange.has_answered)

    def _gave_up(self, doing: str, failure: Failure, tries: int) -> RegistryError:
        if failure.is_contact and not self._exchange.has_answered:
            self._silence = _Silence(failure, tries, self._around.clock.monotonic() + SILENCE_S)
        return self._give_up(doing, failure, tries)

    def send(self, request: OciRequest, headers: Mapping[str, str]) -> Answer:
        """Return the final answer, whatever its status; passing failures are tried again until the budget ends.

        Raises:
            RegistryUnavailableError: when the server could not be reached, or kept failing.
        """
        if not self._exchange.has_answered:
            # One thread finds out whether the server answers at all: the others could only say the same.
            with self._contact:
                if not self._exchange.has_answered:
                    self._fail_fast_if_down(request)
                    return self._sent(request, headers)
        return self._sent(request, headers)

    def _fail_fast_if_down(self, request: OciRequest) -> None:
        silence = self._silence
        if silence is not None and self._around.clock.monotonic() < silence.until_s:
            raise self._give_up(request.doing, silence.failure, silence.tries)

    def _sent(self, request: OciRequest, headers: Mapping[str, str]) -> Answer:
        retry_budget = self.retry_budget(request.doing)
        while True:
            try:
                answer = self.exchange(request, headers)
            except BrokenError as broken:
                retry_budget.pause(broken.failure, broken)
                continue
            failure = failure_of(answer)
            if failure is None:
                return answer
            retry_budget.pause(failure)

    def exchange(self, request: OciRequest, headers: Mapping[str, str]) -> Answer:
        """Send once and read the whole answer.

        Raises:
            BrokenError: when there was none.
        """
        started = self._start(request, headers)
        return self._read(started.connection, started.head, request.method)

    @contextmanager
    def stream(self, request: OciRequest, headers: Mapping[str, str]) -> Iterator[tuple[Head, Iterator[bytes]]]:
        """Open an answer that is read while it comes in; its connection is kept where it was read to the end.

        Raises:
            BrokenError: when there was none. What breaks later raises OSError or WireError where pieces are read.
        """
        connection, head, _ = self._start(request, headers)
        try:
            yield head, connection.pieces(head, answers=request.method)
        except (OSError, WireError):
            self.connection_budget.was_cut(connection.moved_bytes)
            raise
        finally:
            self._exchange.pool.give_back(connection)

    def upload(
        self,
        request: OciRequest,
        headers: Mapping[str, str],
        connection: Connection,
        pieces: Iterator[bytes],
        *,
        is_last: bool,
    ) -> Answer:
        """Send a request with a streamed body on a connection, once; ``headers`` name its length.

        Args:
            request: without its body.
            headers: of the message.
            connection: an open one.
            pieces: of the body.
            is_last: False sends a chunk of a larger upload.

        Raises:
            BrokenError: when there was no answer.
        """
        self._check_time(request)
        limits = limits_of(COMMIT_TIMEOUT_S if is_last else TIMEOUT_S, self._around)
        try:
            try:
                connection.send(self._head_of(request, headers), limits)
                for piece in pieces:
                    connection.send_more(piece)
            except OSError:
                # A server that refuses often answers before it has read everything, and closes.
                connection.limit(TimeLimits(EARLY_ANSWER_S, EARLY_ANSWER_S))
                head = self._exchange.read_head(connection)
                if head.status < 300:
                    raise
            else:
                head = self._exchange.read_head(connection)
        except (OSError, WireError) as error:
            connection.close()
            raise BrokenError.of(error) from error
        except BaseException:
            connection.close()
            raise
        return self._read(connection, head, request.method)

    def connection(self, is_good: Callable[[int], bool]) -> Connection:
        """Return a kept connection, where the number of bytes that it moved is good, or a fresh one.

        Raises:
            BrokenError: when none can be opened.
        """
        connection, is_kept = self._exchange.take(is_fresh=False)
        if is_kept and (not is_good(connection.moved_bytes) or not connection.is_quiet()):
            connection.close()
            connection, _ = self._exchange.take(is_fresh=True)
        return connection

    def close(self) -> None:
        """Close the kept connections."""
        self._exchange.pool.close()

    def _start(self, request: OciRequest, headers: Mapping[str, str]) -> Started:
        self._check_time(request)
        data = self._head_of(request, headers) + request.body
        return self._exchange.start(data, limits_of(TIMEOUT_S, self._around), is_fresh=request.is_fresh)

    def _check_time(self, request: OciRequest) -> None:
        """Begin nothing once the time of the command is over: many quick answers, too, come to an end with it."""
        if self._around.budget() <= 0:
            raise self._give_up(request.doing, Failure(why=OUT_OF_TIME, is_final=True), 0)

    def _head_of(self, request: OciRequest, headers: Mapping[str, str]) -> bytes:
        every = {**request.headers, **headers}
        if "Content-Length" not in every and (request.body or request.method in {"POST", "PUT", "PATCH"}):
            every["Content-Length"] = str(len(request.body))
        try:
            return request_head(request.method, request.target, self.server, every.items())
        except UnsendableError as error:
            # Digests and media types come from manifests, and those from anybody.
            found = "a digest, name or media type holds characters that would end a line of the request"
            hint = "do not use this manifest: it is broken or malicious"
            raise RegistryRejectedError(request.doing, context=[found], hint=hint) from error

    def _read(self, connection: Connection, head: Head, method: str) -> Answer:
        body = self._exchange.finish(connection, head, method=method, max_bytes=MAX_ANSWER_BYTES)
        return Answer(status=head.status, headers=head.headers, body=body)


def failure_of(answer: Answer) -> Failure | None:
    """Return whether an answer is a passing failure; None: it is the answer, good or bad."""
    if answer.status not in PASSING_STATUS or answer.is_full:
        return None
    words = f": {answer.says}" if answer.says else ""
    return Failure(
        why=f"it answers {answer.status}{words}",
        status=answer.status,
        wait_s=retry_after_s(answer.headers.get("retry-after", ""), now=answer.headers.get("date", "")),
    )
