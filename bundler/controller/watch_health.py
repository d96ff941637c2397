"""How the watches are: said in the log, in numbers, and to the probes of a kubelet. Layer: controller."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bundler import ListQuery
    from bundler.controller.log import Log
    from bundler.controller.metrics import Metrics
    from bundler.controller.process import Instruments
    from bundler.errors import BundlerError

_NO_ORDERS: Final = (
    "orders are not watched; they are listed every few seconds, or that is tried. Their kinds come from "
    "`bundler controller definitions | kubectl apply -f -`"
)
_NOT_WATCHED: Final = "a kind is not watched; its changes are found in the interval of the orders"


class WatchHealth:
    """Knows what is not watched, and why. Safe to use from several threads."""

    def __init__(self, instruments: Instruments, name: str, *, is_quiet: bool = False) -> None:
        """Know of no watch yet.

        Args:
            instruments: what is observed.
            name: of what the watches are for, as the names of their threads begin.
            is_quiet: what is not watched is of little interest: it is said to those who ask for every detail.
        """
        self.name, self.pulse = name, instruments.pulse
        self._log: Log = instruments.log
        self._metrics: Metrics = instruments.metrics
        self._is_quiet = is_quiet
        self._guard = threading.Lock()
        self._why: dict[ListQuery, tuple[str, ...]] = {}

    def began(self, query: ListQuery) -> None:
        """Show a watch that begins."""
        self._metrics.watched((self.name, query), query.kind, is_watched=True)

    def restarted(self, query: ListQuery) -> None:
        """Count a watch that began again."""
        self._metrics.watch_restarted(query.kind)

    def failed(self, query: ListQuery, error: BundlerError, *, is_of_orders: bool = False) -> None:
        """Say once why something is not watched, and again when there is another reason.

        Args:
            query: what is not.
            error: why.
            is_of_orders: nothing is done without it.
        """
        why = (str(error), *error.context)
        with self._guard:
            is_news, self._why[query] = self._why.get(query) != why, why
        self._metrics.watched((self.name, query), query.kind, is_watched=False)
        if is_news:
            say = self._log.debug if self._is_quiet else self._log.warning
            say(
                _NO_ORDERS if is_of_orders else _NOT_WATCHED,
                kind=query.kind,
                error=str(error),
                found="; ".join(error.context),
            )

    def works(self, query: ListQuery) -> None:
        """Say that something is watched again, where it was not."""
        with self._guard:
            why = self._why.pop(query, None)
        if why is not None:
            self._metrics.watched((self.name, query), query.kind, is_watched=True)
            self._log.info("a kind is watched again", kind=query.kind)

    def mistaken(self, query: ListQuery, error: Exception) -> None:
        """Say that a watch met a mistake of ours; it is begun again."""
        self._log.error("a mistake in bundler", kind=query.kind, error=f"{type(error).__name__}: {error}")

    def trouble(self, query: ListQuery) -> str:
        """Return why something is not watched; empty where it is, as far as that is known."""
        with self._guard:
            return ": ".join(self._why.get(query, ()))
