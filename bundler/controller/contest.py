"""Two writers on one field: what is put back again and again is left alone for a while. Layer: controller, pure.

The clock is the caller's: nothing here waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from bundler.model.cluster import FIELD_MANAGER
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler import DriftedObject
    from bundler.model.refs import ObjectRef

MOST: Final = 4
"""So often within the window, a field is put back; then it is contested."""
WINDOW_S: Final = 600.0
FIRST_PAUSE_S: Final = 60.0
LONGEST_PAUSE_S: Final = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contested:
    """A field that someone else writes again whenever it was put back."""

    ref: ObjectRef
    field: str
    """As the API server writes it; empty: the whole object, which is deleted again and again."""
    manager: str
    """Of the other writer; empty where that is not known."""
    count: int
    """How often it was put back."""

    @property
    def rule(self) -> str:
        """Return the rule by which the field may differ; empty for a whole object."""
        return f"{self.ref.short}:{self.field}" if self.field else ""

    def __str__(self) -> str:
        who = f" by {self.manager}" if self.manager else ""
        what = f"{self.ref.short} {self.field}" if self.field else self.ref.short
        done = "changed" if self.field else "deleted"
        return f"{what} is {done} again{who} whenever {FIELD_MANAGER} puts it back ({self.count} times)"


class Contest:
    """What was put back of one release, and when."""

    def __init__(self) -> None:
        self._put_back: dict[tuple[ObjectRef, str], deque[float]] = {}
        self._managers: dict[tuple[ObjectRef, str], str] = {}
        """Who wrote last what was put back."""
        self._pauses: dict[ObjectRef, tuple[float, float]] = {}
        """Of an object: how long it is left alone, and until when."""

    def note(self, objects: Iterable[DriftedObject], now_s: float) -> None:
        """Remember what was put back.

        Args:
            objects: that differed, and were put back.
            now_s: on a clock that never goes back.
        """
        for one in objects:
            for field, manager in _fields(one):
                self._managers[one.ref, field] = manager
                times = self._put_back.setdefault((one.ref, field), deque(maxlen=MOST))
                times.append(now_s)
                if len(times) == MOST and now_s - times[0] <= WINDOW_S:
                    self._pause(one.ref, now_s)

    def contested(self, objects: Iterable[DriftedObject], now_s: float) -> tuple[Contested, ...]:
        """Return what of these differences is left alone now.

        Args:
            objects: that differ now.
            now_s: on the same clock.
        """
        differing = {(one.ref, field) for one in objects for field, _ in _fields(one)}
        return tuple(one for one in self.left_alone(now_s) if (one.ref, one.field) in differing)

    def left_alone(self, now_s: float) -> tuple[Contested, ...]:
        """Return everything that is left alone now, whether it differs or not.

        Args:
            now_s: on the same clock.
        """
        self._forget(now_s)
        return tuple(
            Contested(ref=ref, field=field, manager=self._managers[ref, field], count=len(times))
            for (ref, field), times in self._put_back.items()
            if len(times) == MOST and now_s < self._pauses.get(ref, (0.0, 0.0))[1]
        )

    def again_s(self, now_s: float) -> float | None:
        """Return the seconds until something that is left alone is tried again; None: nothing is."""
        left = [until_s - now_s for _, until_s in self._pauses.values() if until_s > now_s]
        return min(left, default=None)

    def _pause(self, ref: ObjectRef, now_s: float) -> None:
        last_s, until_s = self._pauses.get(ref, (0.0, 0.0))
        if now_s < until_s:
            return
        pause_s = min(last_s * 2, LONGEST_PAUSE_S) if last_s else FIRST_PAUSE_S
        self._pauses[ref] = (pause_s, now_s + pause_s)

    def _forget(self, now_s: float) -> None:
        """Drop what is old: a field that was quiet for the longest pause and a window starts from zero."""
        oldest_s = now_s - WINDOW_S - LONGEST_PAUSE_S
        self._put_back = {key: times for key, times in self._put_back.items() if times[-1] >= oldest_s}
        self._managers = {key: self._managers[key] for key in self._put_back}
        self._pauses = {ref: pause for ref, pause in self._pauses.items() if pause[1] >= oldest_s}


def _fields(one: DriftedObject) -> list[tuple[str, str]]:
    return [(field.field, field.manager) for field in one.fields] or [("", "")]
