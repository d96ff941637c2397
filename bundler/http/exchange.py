"""One HTTP exchange: a request on a kept connection, its answer, and whether to try again. Layer: adapter foundation.

The adapters differ in what they send and in what an answer means to them; how bytes go out and come in is said here.
"""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from bundler.http.retry import FIRST_CONTACT_TRIES, delay_s, failure_of_error
from bundler.http.wire import MAX_BODY_BYTES, ClosedError, TimeLimits, WireError, no_end
from bundler.model.events import Retrying
from bundler.model.lean import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bundler.errors import BundlerError
    from bundler.http.client_config import ClientConfig
    from bundler.http.dial import Pool
    from bundler.http.proxy import Address
    from bundler.http.retry import Failure
    from bundler.http.wire import Connection, Head

MIN_TIMEOUT_S = 5.0
"""Even when the budget is used up a request gets this long: releasing a lock is worth it."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class BrokenError(Exception):
    """A try without an answer; ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.why)
        self.failure = failure

    @classmethod
    def of(cls, error: Exception, *, may_have_arrived: bool = True) -> BrokenError:
        """Return what a broken connection means."""
        return cls(failure_of_error(error, may_have_arrived=may_have_arrived))


class UnsendableError(ValueError):
    """A line of the request holds characters that would end it; the text says which line."""


class Started(NamedTuple):
    """An answer of which the head was read."""

    connection: Connection
    head: Head
    is_repeated: bool
    """The request was sent twice: the first connection was closed before an answer, and it may have arrived."""


def request_head(method: str, target: str, server: Address, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return request line and headers.

    Args:
        method: of the request.
        target: path and query; spaces and letters beyond ASCII are percent-encoded.
        server: names the host.
        headers: without Host and User-Agent; a name may come several times.

    Raises:
        UnsendableError: when something would end its own line.
    """
    host = server.authority.removesuffix(_DEFAULT_PORTS[server.scheme])
    lines = [
        ("the address", f"{method} {target}"),
        *((name, f"{name}: {value}") for name, value in (("Host", host), ("User-Agent", "bundler"), *headers)),
    ]
    for name, line in lines:
        if _CONTROL.search(line):
            raise UnsendableError(f"{_CONTROL.sub('?', name)} holds characters that would end a line of the request")
    first = f"{method} {quote(target, safe=_PRINTABLE)} HTTP/1.1"
    return "\r\n".join((first, *(line for _, line in lines[1:]), "", "")).encode("latin-1", "replace")


def limits_of(
    patience_s: float, around: ClientConfig, *, is_whole: bool = False, rest_s: Callable[[], float] = no_end
) -> TimeLimits:
    """Return the limits of one exchange: no longer than the command has time.

    Args:
        patience_s: for the head of the answer, and for each piece of its body.
        around: knows how much time is left.
        is_whole: ``patience_s`` is for everything: the answer is small.
        rest_s: how long it may continue at most, whatever the command has left; asked again and again.
    """
    began_s = time.monotonic()

    def left_s() -> float:
        least_s = MIN_TIMEOUT_S - (time.monotonic() - began_s)
        return min(max(around.budget(), least_s), rest_s())

    return TimeLimits(patience_s, patience_s if is_whole else float("inf"), left_s)


class Exchange:
    """Sends requests to one server, each once, and reads the answers. Threads may share it."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.has_answered = False
        """The server sent the head of an answer at least once."""

    def start(self, data: bytes, limits: TimeLimits, *, is_fresh: bool = False) -> Started:
        """Send a request and read the head of its answer.

        A server closes kept connections when it likes, most likely before it saw the request, and the others with it:
        then there is one fresh try at once.

        Args:
            data: head and body of the request.
            limits: of time; a fresh try gets its own.
            is_fresh: take no kept connection.

        Raises:
            BrokenError: when there was no answer.
            BundlerError: what dialling raises.
        """
        connection, is_kept = self.take(is_fresh=is_fresh)
        try:
            return Started(connection, self._ask(connection, data, limits), is_repeated=False)
        except (OSError, WireError) as error:
            was_closed = isinstance(error, ClosedError | OSError) and not isinstance(error, TimeoutError)
            if is_kept:
                self.pool.clear()  # what it was kept with is as old, and the next try must not wait for each of them
            if not (is_kept and was_closed):
                raise BrokenError.of(error) from error
        try:
            connection, _ = self.take(is_fresh=True)
        except BrokenError as broken:
            raise BrokenError(replace(broken.failure, may_have_arrived=True)) from broken
        try:
            return Started(connection, self._ask(connection, data, limits), is_repeated=True)
        except (OSError, WireError) as error:
            raise BrokenError.of(error) from error

    def finish(self, connection: Connection, head: Head, *, method: str, max_bytes: int = MAX_BODY_BYTES) -> bytes:
        """Read the body and keep the connection.

        Args:
            connection: whose head was read.
            head: of the answer.
            method: that was asked with.
            max_bytes: of the body.

        Raises:
            BrokenError: when it is cut short, too slow or too large.
        """
        pieces, size = [], 0
        try:
            for piece in connection.pieces(head, answers=method):
                size += len(piece)
                if size > max_bytes:
                    raise WireError(f"the answer is larger than {max_bytes} bytes")  # noqa: TRY301 - as what is read
                pieces.append(piece)
        except (OSError, WireError) as error:
            connection.abort()
            raise BrokenError.of(error) from error
        except BaseException:
            connection.abort()
            raise
        self.pool.give_back(connection)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def take(self, *, is_fresh: bool) -> tuple[Connection, bool]:
        """Return a connection and whether it was kept.

        Raises:
            BrokenError: when none can be opened.
            BundlerError: what dialling raises.
        """
        try:
            return self.pool.take(is_fresh=is_fresh)
        except (OSError, WireError) as error:
            raise BrokenError.of(error, may_have_arrived=False) from error

    def read_head(self, connection: Connection) -> Head:
        """Read the head of an answer.

        Raises:
            OSError, WireError: when there is none.
        """
        head = connection.read_head()
        self.has_answered = True
        return head

    def _ask(self, connection: Connection, data: bytes, limits: TimeLimits) -> Head:
        try:
            connection.send(data, limits)
            return self.read_head(connection)
        except BaseException:
            connection.abort()
            raise


class RetryBudget:
    """How often something was tried, and whether to continue; one for each thing that is done."""

    def __init__(
        self,
        doing: str,
        around: ClientConfig,
        give_up: Callable[[str, Failure, int], BundlerError],
        has_answered: Callable[[], bool],
    ) -> None:
        """Begin with no try.

        Args:
            doing: what is tried, for messages.
            around: time, and who hears of retries.
            give_up: makes the error, of ``doing``, the last failure and the number of tries.
            has_answered: whether the server answered at all so far.
        """
        self._doing, self._around, self._give_up = doing, around, give_up
        self._has_answered = has_answered
        self._tries = 0

    def progressed(self) -> None:
        """Start counting again: something was moved."""
        self._tries = 0

    def pause(self, failure: Failure, cause: BaseException | None = None) -> None:
        """Wait before the next try.

        Raises:
            BundlerError: what ``give_up`` makes, when there is no time left, or waiting would not help.
        """
        self._tries += 1
        pause = delay_s(self._tries, wait_s=failure.wait_s, jitter=os.urandom(1)[0] / 255)
        is_switched_off = failure.is_contact and not self._has_answered() and self._tries >= FIRST_CONTACT_TRIES
        if failure.is_final or is_switched_off or pause >= self._around.budget():
            raise self._give_up(self._doing, failure, self._tries) from cause
        self._around.report(
            Retrying(
                doing=self._doing,
                attempt=self._tries,
                why=failure.why,
                status=failure.status,
                waits_for=failure.waits_for,
            )
        )
        self._around.clock.sleep(pause)
