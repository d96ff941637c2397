"""Which orders are looked at, and when: each at most once at a time, and not too often. Layer: controller.

A ring names an order and nothing more: what is to be done is found out by looking. The clock is given, so that nothing
here depends on how fast a machine is. A ring after a quiet time is answered at once, and so are a few in a row: what
spoils is put back within seconds. Many rings in a row are answered once in a while, however many they are.

All threads take looks alike (``take_looks``): what goes wrong with one order concerns that order alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from bundler.controller.decide import back_off_s
from bundler.errors import BundlerError
from bundler.model.lean import dataclass, replace

if TYPE_CHECKING:
    from bundler.controller.process import Instruments
    from bundler.model.refs import ObjectRef
    from bundler.ports import Clock

FIRST_SPREAD_S: Final = 60.0
"""Over which the first looks of a start are spread, where there are many."""
_FIRST_EACH_S: Final = 0.2
_JITTER: Final = 0.1
_LONG_S: Final = 30.0
"""Pauses from this length on are made a tenth longer or shorter."""
_NAP_S: Final = 1.0
_NEVER_S: Final = float("inf")
LOOK_MOST_S: Final = 300.0
"""One look takes no longer: it asks some ten things, and each has half a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueLook:
    """A look that is due, or will be."""

    key: ObjectRef
    due_s: float
    """On the clock of the queue."""
    thorough_s: float = _NEVER_S
    """When everything has to be compared; what is due before that looks at the health of objects alone."""

    @property
    def is_brief(self) -> bool:
        """Whether only the health of objects may have changed, and nothing is to be compared soon anyway."""
        return self.due_s + DEBOUNCE_S < self.thorough_s


class LookQueue:
    """Orders to look at; several threads may ring, and take looks."""

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing to do.

        Args:
            clock: says what is due.
        """
        self._clock = clock
        self._changed = threading.Condition()
        self._due: dict[ObjectRef, DueLook] = {}
        self._running: dict[ObjectRef, DueLook | None] = {}
        """Looks that are under way, with what rang meanwhile."""
        self._paces: dict[ObjectRef, Pace] = {}
        self._tries: dict[ObjectRef, int] = {}
        self._looks = 0

    def begin(self, keys: Collection[ObjectRef]) -> None:
        """Look at all orders of a start, spread over a while where they are many."""
        spread_s = min(FIRST_SPREAD_S, len(keys) * _FIRST_EACH_S)
        for number, key in enumerate(sorted(keys)):
            self._add(_thorough(key, self._now_s() + spread_s * number / max(len(keys), 1)))

    def ring(self, key: ObjectRef, *, is_brief: bool = False) -> None:
        """Look at an order soon: something of it moved.

        Args:
            key: the order.
            is_brief: nothing but the health of an object may have changed, or a change is under way whose end rings.
        """
        now_s = self._now_s()
        with self._changed:
            pace = self._pace(key)
            due_s = pace.spaced_s(now_s) if is_brief else pace.rung_s(now_s)
        self._add(DueLook(key=key, due_s=due_s, thorough_s=_NEVER_S if is_brief else due_s))

    def settle(self, key: ObjectRef) -> None:
        """Look at an order soon: what differed of it was put back, or there is room for its change."""
        now_s = self._now_s()
        with self._changed:
            due_s = self._pace(key).soon_s(now_s)
        self._add(_thorough(key, due_s))

    def hurry(self, key: ObjectRef) -> None:
        """Look at an order at once: a change of it is over."""
        self._add(_thorough(key, self._now_s()))

    def take(self) -> DueLook | None:
        """Return a look that is due, which is under way from now on; None where nothing is."""
        now_s = self._now_s()
        with self._changed:
            ready = [one for one in self._due.values() if one.due_s <= now_s and one.key not in self._running]
            if not ready:
                return None
            first = min(ready, key=lambda one: (one.due_s, one.key))
            del self._due[first.key]
            self._running[first.key] = None
            self._looks += 1
            self._pace(first.key).begin(now_s)
            return replace(first, due_s=now_s)

    def wait(self, is_stopped: Callable[[], bool]) -> DueLook | None:
        """Return a look as soon as one is due; None once it is time to stop."""
        while not is_stopped():
            look = self.take()
            if look is not None:
                return look
            with self._changed:
                self._changed.wait(min(_NAP_S, max(self.rest_s(), 0.01)))
        return None

    def done(self, look: DueLook, again_s: float | None) -> None:
        """Say that a look is over.

        Args:
            look: as it was taken.
            again_s: seconds until the next one that nothing rang for; None: the order is gone.
        """
        with self._changed:
            self._tries.pop(look.key, None)
        self._end(look, again_s)

    def failed(self, look: DueLook) -> float:
        """Say that a look could not be taken to its end; it is repeated after a pause that grows. Return the pause."""
        with self._changed:
            tries = self._tries[look.key] = self._tries.get(look.key, 0) + 1
        pause_s = back_off_s(tries, str(look.key))
        self._end(look, pause_s)
        return pause_s

    def rest_s(self) -> float:
        """Return the seconds until a look is due; a long time where nothing is to be done."""
        now_s = self._now_s()
        with self._changed:
            waiting = [one.due_s - now_s for one in self._due.values() if one.key not in self._running]
        return min(waiting, default=3600.0)

    @property
    def depth(self) -> int:
        """How many looks are due, and not begun."""
        now_s = self._now_s()
        with self._changed:
            return sum(one.due_s <= now_s for one in self._due.values())

    @property
    def oldest_s(self) -> float:
        """How long the look that waits longest has been due; 0 where nothing waits."""
        now_s = self._now_s()
        with self._changed:
            return max((now_s - one.due_s for one in self._due.values() if one.due_s <= now_s), default=0.0)

    @property
    def looks(self) -> int:
        """How many looks were begun."""
        return self._looks

    def _end(self, look: DueLook, again_s: float | None) -> None:
        with self._changed:
            rung = self._running.pop(look.key, None)
            if again_s is None:
                self._paces.pop(look.key, None)
        if rung is not None:
            self._add(rung)
        if again_s is not None:
            again = _thorough(look.key, self._now_s() + self._spread_s(look.key, again_s))
            self._add(_merged(again, replace(look, due_s=look.thorough_s)) if look.is_brief else again)

    def _pace(self, key: ObjectRef) -> Pace:
        return self._paces.setdefault(key, Pace())

    def _add(self, look: DueLook) -> None:
        """Add a look to what is waiting: the earlier time counts, and the more thorough look."""
        with self._changed:
            is_running = look.key in self._running
            before = self._running[look.key] if is_running else self._due.get(look.key)
            merged = look if before is None else _merged(before, look)
            if is_running:
                self._running[look.key] = merged
            else:
                self._due[look.key] = merged
            self._changed.notify_all()

    def _spread_s(self, key: ObjectRef, pause_s: float) -> float:
        if pause_s < _LONG_S:
            return pause_s
        chance = sha256(f"{key}/{self._looks}".encode()).digest()[0] / 255
        return pause_s * (1 - _JITTER + 2 * _JITTER * chance)

    def _now_s(self) -> float:
        return self._clock.monotonic()


def _thorough(key: ObjectRef, due_s: float) -> DueLook:
    return DueLook(key=key, due_s=due_s, thorough_s=due_s)


def _merged(one: DueLook, other: DueLook) -> DueLook:
    """Return one look for two: each of their times counts where it is the earlier one."""
    earlier = one if one.due_s <= other.due_s else other
    return replace(earlier, thorough_s=min(one.thorough_s, other.thorough_s))


DEBOUNCE_S: Final = 0.25
"""Between a ring and the look: what comes in a bunch is looked at once."""
SPACING_S: Final = 5.0
"""Between the beginnings of two looks while rings do not end."""
QUICK: Final = 12
"""So many rings are answered at once; one more for every :data:`SPACING_S` without a ring. A storm uses them up before
its first look."""


class Pace:
    """The clock of one order."""

    def __init__(self) -> None:
        """Begin with everything quiet."""
        self._begun_s = self._rung_s = -float("inf")
        self._quick = QUICK

    def begin(self, now_s: float) -> None:
        """Note that a look begins."""
        self._begun_s = now_s

    def rung_s(self, now_s: float) -> float:
        """Return when to look after a ring at this time that the controller did not cause."""
        quiet_s = now_s - self._rung_s
        self._rung_s = now_s
        self._quick = QUICK if quiet_s >= QUICK * SPACING_S else min(QUICK, self._quick + int(quiet_s / SPACING_S))
        due_s = self.soon_s(now_s)
        self._quick = max(self._quick - 1, 0)
        return due_s

    def soon_s(self, now_s: float) -> float:
        """Return when to look after the end of a correction at this time: at once, unless others rang too often."""
        return now_s + DEBOUNCE_S if self._quick else self.spaced_s(now_s)

    def spaced_s(self, now_s: float) -> float:
        """Return when to look if there is no hurry."""
        return max(now_s + DEBOUNCE_S, self._begun_s + SPACING_S)


def take_looks(
    queue: LookQueue,
    look_at: Callable[[DueLook], float | None],
    instruments: Instruments,
    *,
    name: str,
    is_over: Callable[[], bool],
    on_looked: Callable[[str, float], None] = lambda _result, _seconds: None,
) -> None:
    """Take looks until it is time to stop; whatever goes wrong with one concerns what it looks at alone.

    Args:
        queue: says what is due.
        look_at: takes one look, and returns the seconds until the next one; None: what it looks at is gone.
        instruments: what is observed.
        name: of the thread, for its pulse.
        is_over: whether it is time to stop.
        on_looked: takes what came of each look, ``ok`` or the code of an error, and the seconds that it took.
    """

    def is_stopped() -> bool:
        instruments.pulse.beat(name)
        return is_over()

    with instruments.pulse.thread(name):
        while (look := queue.wait(is_stopped)) is not None:
            began_s = instruments.clock.monotonic()
            instruments.pulse.beat(name, within_s=LOOK_MOST_S)
            result = _take(queue, look, look_at, instruments)
            on_looked(result, instruments.clock.monotonic() - began_s)


def _take(queue: LookQueue, look: DueLook, look_at: Callable[[DueLook], float | None], instruments: Instruments) -> str:
    log = instruments.log.about(namespace=look.key.namespace, order=look.key.short)
    try:
        again_s = look_at(look)
    except BundlerError as error:
        pause_s = queue.failed(look)
        log.warning(str(error), found="; ".join(error.context), code=error.code, again_s=round(pause_s, 1))
        return error.code
    except Exception as error:  # noqa: BLE001 - one order that meets a mistake of ours must not stop the others
        pause_s = queue.failed(look)
        said = f"{type(error).__name__}: {error}"
        log.error("a mistake in bundler", error=said, again_s=round(pause_s, 1))  # noqa: TRY400 - a log of our own
        return "bug"
    queue.done(look, again_s)
    return "ok"
