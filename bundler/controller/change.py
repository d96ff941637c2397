"""A change in a process of its own: `bundler controller change`. Layer: controller.

Why a process: what a change takes of memory goes back with it, a large rendering does not delay the heartbeat of
another release's lock, and the kill of one leaves the others alone. Its parent may be gone at any moment: then its
standard input ends, and it stops as if it were interrupted, with what is under way finished and recorded.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from bundler.concurrency import in_thread
from bundler.controller.messages import event_line, outcome_line, read_wanted
from bundler.errors import UsageError
from bundler.wire.events import event_form

if TYPE_CHECKING:
    from bundler.controller.changes import CarryOut
    from bundler.model.events import Event


class Conversation:
    """The streams between a change and its parent."""

    def __init__(
        self, stdin: BinaryIO, stdout: BinaryIO, *, mask: Callable[[str], str], ask_to_stop: Callable[[], None]
    ) -> None:
        """Read nothing yet.

        Args:
            stdin: holds the request, and ends when the parent does.
            stdout: takes events and the outcome.
            mask: takes what is sensitive out of what is said.
            ask_to_stop: asks this process to stop, as a signal does; called once at most.
        """
        self._stdin, self._stdout, self._mask, self._ask_to_stop = stdin, stdout, mask, ask_to_stop
        self._writing = threading.Lock()
        self._is_over = False

    def answer(self, carry_out: CarryOut) -> None:
        """Read the request, carry it out, and say what came of it.

        Args:
            carry_out: does one change, and never raises a BundlerError.

        Raises:
            UsageError: when there is no request.
        """
        try:
            wanted = read_wanted(self._stdin.readline())
        except ValueError as error:
            hint = "use `bundler controller run`, which starts this verb itself"
            raise UsageError("reading the change from standard input", context=[str(error)], hint=hint) from error
        in_thread(self._listen, name="standard input").start()
        outcome = carry_out(wanted)
        self._say(outcome_line(outcome, self._mask))

    def report(self, event: Event) -> None:
        """Say an event."""
        self._say(event_line(event_form(event), self._mask))

    def _listen(self) -> None:
        while self._stdin.read(4096):
            pass
        self._stop()

    def _say(self, line: bytes) -> None:
        with self._writing:
            try:
                self._stdout.write(line)
                self._stdout.flush()
            except OSError:
                self._stop()

    def _stop(self) -> None:
        """Ask once: a second signal would end the process in the middle of a write."""
        if not self._is_over:
            self._is_over = True
            self._ask_to_stop()


class RequestTally:
    """Counts requests by verb and status. Safe to use from several threads."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._guard = threading.Lock()
        self._counts: Counter[tuple[str, int]] = Counter()

    def count(self, verb: str, status: int) -> None:
        """Count one request.

        Args:
            verb: as RBAC names it.
            status: of the answer; 0: there was none.
        """
        with self._guard:
            self._counts[verb, status] += 1

    @property
    def counted(self) -> tuple[tuple[str, int, int], ...]:
        """Return verb, status and number, sorted."""
        with self._guard:
            return tuple((verb, status, number) for (verb, status), number in sorted(self._counts.items()))
