"""Which version an order with a range takes: the newest in the registry, looked for each interval. Layer: controller.

A registry may be slow, or away: it is asked in a thread of its own, and until it answers what was found last counts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bundler.concurrency import in_thread
from bundler.controller.conditions import is_seen
from bundler.controller.materials import scratch, site_file
from bundler.controller.status import Choice, Reason
from bundler.controller.verdicts import verdict_of, words_of
from bundler.errors import BundlerError
from bundler.model.json import text_at
from bundler.model.lean import dataclass, replace

if TYPE_CHECKING:
    from bundler.controller.carry_out import Place
    from bundler.controller.order import Order
    from bundler.model.refs import ObjectRef
    from bundler.ports import Clock

AT_ONCE: Final = 4
"""Registries that are asked at the same time."""
EARLY: Final = 0.8
"""Of an interval: looks come up to a tenth earlier than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was asked for one order, and when."""

    what: tuple[str, str, str]
    choice: Choice
    at_s: float | None = None
    """None: this process has not asked yet."""


def begin_thread(work: Callable[[], None]) -> None:
    """Do something in a thread of its own."""
    in_thread(work, name="versions").start()


class Versions:
    """Knows which version each order takes; several threads may ask."""

    def __init__(
        self,
        clock: Clock,
        wake: Callable[[ObjectRef], None],
        begin: Callable[[Callable[[], None]], None] = begin_thread,
    ) -> None:
        """Ask nothing yet.

        Args:
            clock: says when it is asked again.
            wake: takes the order for which something new was found.
            begin: does what takes a while, in a thread.
        """
        self._clock, self._wake, self._begin = clock, wake, begin
        self._guard = threading.Lock()
        self._asked: dict[ObjectRef, _Asked] = {}
        self._asking: set[ObjectRef] = set()

    def choice(self, order: Order, running: str, place: Place) -> Choice:
        """Return which version an order takes, as far as is known; where it is time, ask for newer ones.

        Args:
            order: as it is now.
            running: the version that meets it now: no older one is taken; empty: none does.
            place: as whom it is asked.
        """
        key, what = order.ref, (order.bundle.source, order.bundle.version, order.site)
        with self._guard:
            asked = self._asked.get(key)
            if asked is None or asked.what != what:
                asked = self._asked[key] = _Asked(what=what, choice=_told(order) if asked is None else Choice())
            is_due = asked.at_s is None or self._clock.monotonic() >= asked.at_s + EARLY * order.interval_s
            begins = is_due and key not in self._asking and len(self._asking) < AT_ONCE
            if begins:
                self._asking.add(key)
        if begins:
            self._begin(lambda: self._ask(order, running, place, asked))
        with self._guard:
            return self._asked[key].choice

    def forget(self, key: ObjectRef) -> None:
        """Forget an order that is gone."""
        with self._guard:
            self._asked.pop(key, None)

    def _ask(self, order: Order, running: str, place: Place, asked: _Asked) -> None:
        try:
            choice = _found(order, running, place, asked.choice)
        finally:  # whatever ends the question, the place is another order's
            with self._guard:
                self._asking.discard(order.ref)
        with self._guard:
            if self._asked.get(order.ref) != asked:  # it names another range by now
                return
            self._asked[order.ref] = replace(asked, choice=choice, at_s=self._clock.monotonic())
        if choice != asked.choice:
            self._wake(order.ref)


def _told(order: Order) -> Choice:
    """Return what the status of an order says, for a controller that has just begun."""
    version = text_at(order.status, "update", "version") if is_seen(order) else ""
    return Choice(version=version)


def _found(order: Order, running: str, place: Place, before: Choice) -> Choice:
    """Ask the registry; what cannot be found out leaves the version as it was."""
    try:
        with scratch("bundler-site-") as folder:
            site = site_file(order.site, order.ref, place.reader, folder)
            bundle = order.bundle
            found = place.tenant.newest_version(bundle.source, bundle.version, running=running, site=site)
    except BundlerError as error:
        result, reason = verdict_of(error)
        return replace(before, message=words_of(error), reason=reason, result=result)
    return Choice(version=found, reason=Reason.READY)
