"""Carry requests to one server: kept connections, retries, bodies that stream. Layer: adapter."""

from __future__ import annotations

import os
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from bundler.errors.delivery import RegistryRejectedError
from bundler.http.retry import (
    FIRST_CONTACT_TRIES,
    PASSING_STATUS,
    Failure,
    delay_s,
    failure_of_error,
    retry_after_s,
)
from bundler.http.wire import ClosedError, WireError
from bundler.model.events import Retrying
from bundler.oci.endurance import Endurance
from bundler.oci.requests import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bundler.errors.delivery import RegistryError
    from bundler.http.dial import Pool
    from bundler.http.proxy import Address
    from bundler.http.surroundings import Surroundings
    from bundler.http.wire import Connection, Head
    from bundler.oci.requests import Ask

TIMEOUT_S = 30.0
COMMIT_TIMEOUT_S = 600.0
"""The end of an upload: registries on object stores copy the whole blob before they answer."""
MIN_TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024
EARLY_ANSWER_S = 2.0
SILENCE_S = 10.0
"""How long a server that never answered is taken to be away."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class _Silence(NamedTuple):
    """A server that never answered, and was given up."""

    failure: Failure
    tries: int
    until_s: float
    """Until when it is not tried again."""


class BrokenError(Exception):
    """A try without an answer; ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.why)
        self.failure = failure


class Patience:
    """How often something was tried, and whether to go on; one for each thing that is done."""

    def __init__(
        self,
        doing: str,
        around: Surroundings,
        give_up: Callable[[str, Failure, int], RegistryError],
        has_answered: Callable[[], bool],
    ) -> None:
        self._doing, self._around, self._give_up = doing, around, give_up
        self._has_answered = has_answered
        self._tries = 0

    def progressed(self) -> None:
        """Start counting anew: something was moved."""
        self._tries = 0

    def pause(self, failure: Failure, cause: BaseException | None = None) -> None:
        """Wait before the next try.

        Raises:
            RegistryUnavailableError: when there is no time left, or waiting would not help.
        """
        self._tries += 1
        pause = delay_s(self._tries, wait_s=failure.wait_s, jitter=os.urandom(1)[0] / 255)
        is_switched_off = failure.is_contact and not self._has_answered() and self._tries >= FIRST_CONTACT_TRIES
        if failure.is_final or is_switched_off or pause >= self._around.budget():
            raise self._give_up(self._doing, failure, self._tries) from cause
        self._around.report(Retrying(doing=self._doing, attempt=self._tries, why=failure.why))
        self._around.clock.sleep(pause)


class Transport:
    """One server. Threads may share it."""

    def __init__(
        self,
        server: Address,
        *,
        pool: Pool,
        around: Surroundings,
        give_up: Callable[[str, Failure, int], RegistryError],
    ) -> None:
        self.server, self._pool, self._around, self._give_up = server, pool, around, give_up
        self._has_answered = False
        self._silence: _Silence | None = None
        self._contact = threading.Lock()
        self.endurance = Endurance()

    def patience(self, doing: str) -> Patience:
        """Return patience for one thing that is done."""
        return Patience(doing, self._around, self._gave_up, lambda: self._has_answered)

    def _gave_up(self, doing: str, failure: Failure, tries: int) -> RegistryError:
        if failure.is_contact and not self._has_answered:
            self._silence = _Silence(failure, tries, self._around.clock.monotonic() + SILENCE_S)
        return self._give_up(doing, failure, tries)

    def send(self, ask: Ask, headers: Mapping[str, str]) -> Answer:
        """Return the final answer, whatever its status; passing failures are tried again until the budget ends.

        Raises:
            RegistryUnavailableError: when the server could not be reached, or went on failing.
        """
        if not self._has_answered:
            # One thread finds out whether the server answers at all: the others could only say the same.
            with self._contact:
                if not self._has_answered:
                    self._heed_silence(ask)
                    return self._sent(ask, headers)
        return self._sent(ask, headers)

    def _heed_silence(self, ask: Ask) -> None:
        silence = self._silence
        if silence is not None and self._around.clock.monotonic() < silence.until_s:
            raise self._give_up(ask.doing, silence.failure, silence.tries)

    def _sent(self, ask: Ask, headers: Mapping[str, str]) -> Answer:
        patience = self.patience(ask.doing)
        while True:
            try:
                answer = self.exchange(ask, headers)
            except BrokenError as broken:
                patience.pause(broken.failure, broken)
                continue
            failure = failure_of(answer)
            if failure is None:
                return answer
            patience.pause(failure)

    def exchange(self, ask: Ask, headers: Mapping[str, str]) -> Answer:
        """Send once and read the whole answer.

        Raises:
            BrokenError: when there was none.
        """
        connection, head = self._start(ask, headers)
        answer = self._read(connection, head, ask.method)
        self._pool.give_back(connection)
        return answer

    @contextmanager
    def stream(self, ask: Ask, headers: Mapping[str, str]) -> Iterator[tuple[Head, Iterator[bytes]]]:
        """Open an answer that is read while it comes in; its connection is kept where it was read to the end.

        Raises:
            BrokenError: when there was none. What breaks later raises OSError or WireError where pieces are read.
        """
        connection, head = self._start(ask, headers)
        try:
            yield head, connection.pieces(head, answers=ask.method)
        except (OSError, WireError):
            self.endurance.was_cut(connection.moved_bytes)
            raise
        finally:
            self._pool.give_back(connection)

    def upload(
        self, ask: Ask, headers: Mapping[str, str], connection: Connection, pieces: Iterator[bytes], *, is_last: bool
    ) -> Answer:
        """Send a request with a streamed body on a connection, once; ``headers`` name its length.

        Raises:
            BrokenError: when there was no answer.
        """
        timeout_s = self._timeout_s(COMMIT_TIMEOUT_S if is_last else TIMEOUT_S)
        try:
            try:
                connection.send(self._head_of(ask, headers), timeout_s=timeout_s)
                for piece in pieces:
                    connection.send_more(piece)
            except OSError:
                # A server that refuses often answers before it has read everything, and closes.
                connection.set_timeout(EARLY_ANSWER_S)
                head = connection.read_head()
                if head.status < 400:
                    raise
            else:
                head = connection.read_head()
        except (OSError, WireError) as error:
            connection.close()
            raise BrokenError(failure_of_error(error, may_have_arrived=True)) from error
        except BaseException:
            connection.close()
            raise
        self._has_answered = True
        answer = self._read(connection, head, ask.method)
        self._pool.give_back(connection)
        return answer

    def connection(self, is_good: Callable[[int], bool]) -> Connection:
        """Return a kept connection, where the number of bytes that it moved is good, or a fresh one.

        Raises:
            BrokenError: when none can be opened.
        """
        connection, is_kept = self._take(is_fresh=False)
        if is_kept and (not is_good(connection.moved_bytes) or not connection.is_quiet()):
            connection.close()
            connection, _ = self._take(is_fresh=True)
        return connection

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.clear()

    def _start(self, ask: Ask, headers: Mapping[str, str]) -> tuple[Connection, Head]:
        data = self._head_of(ask, headers) + ask.body
        connection, is_kept = self._take(is_fresh=ask.is_fresh)
        try:
            return connection, self._ask(connection, data)
        except (OSError, WireError) as error:
            connection.close()
            if not is_kept or isinstance(error, TimeoutError) or not isinstance(error, ClosedError | OSError):
                raise BrokenError(failure_of_error(error, may_have_arrived=True)) from error
        # The server closed a kept connection, and most likely the others with it: one fresh try at once.
        self._pool.clear()
        connection, _ = self._take(is_fresh=True)
        try:
            return connection, self._ask(connection, data)
        except (OSError, WireError) as error:
            connection.close()
            raise BrokenError(failure_of_error(error, may_have_arrived=True)) from error

    def _take(self, *, is_fresh: bool) -> tuple[Connection, bool]:
        try:
            return self._pool.take(is_fresh=is_fresh)
        except (OSError, WireError) as error:
            raise BrokenError(failure_of_error(error, may_have_arrived=False)) from error

    def _ask(self, connection: Connection, data: bytes) -> Head:
        connection.send(data, timeout_s=self._timeout_s(TIMEOUT_S))
        head = connection.read_head()
        self._has_answered = True
        return head

    def _timeout_s(self, patience_s: float) -> float:
        return max(MIN_TIMEOUT_S, min(patience_s, self._around.budget()))

    def _head_of(self, ask: Ask, headers: Mapping[str, str]) -> bytes:
        server = self.server
        default = {"http": 80, "https": 443}[server.scheme]
        host = server.authority.removesuffix(f":{default}")
        lines = [f"{ask.method} {ask.target} HTTP/1.1", f"Host: {host}", "User-Agent: bundler"]
        every = {**ask.headers, **headers}
        if "Content-Length" not in every and (ask.body or ask.method in {"POST", "PUT", "PATCH"}):
            every["Content-Length"] = str(len(ask.body))
        lines += [f"{name}: {value}" for name, value in every.items()]
        if any(_CONTROL.search(line) for line in lines):
            # Digests and media types come from manifests, and those from anybody.
            found = "a digest, name or media type holds characters that would end a line of the request"
            hint = "the manifest that says so is broken, or made to do harm: do not use it"
            raise RegistryRejectedError(ask.doing, context=[found], hint=hint)
        return "\r\n".join((*lines, "", "")).encode("latin-1", "replace")

    def _read(self, connection: Connection, head: Head, method: str) -> Answer:
        try:
            body = b"".join(_bounded(connection.pieces(head, answers=method)))
        except (OSError, WireError) as error:
            connection.close()
            raise BrokenError(failure_of_error(error, may_have_arrived=True)) from error
        return Answer(status=head.status, headers=head.headers, body=body)


def _bounded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            raise WireError(f"the answer is larger than {MAX_ANSWER_BYTES} bytes")
        yield piece


def failure_of(answer: Answer) -> Failure | None:
    """Tell whether an answer is a passing failure; None: it is the answer, good or bad."""
    if answer.status not in PASSING_STATUS:
        return None
    words = f": {answer.says}" if answer.says else ""
    return Failure(
        why=f"it answers {answer.status}{words}",
        wait_s=retry_after_s(answer.headers.get("retry-after", "")),
    )
