"""When a site lets its releases be changed. Layer: model, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_MIN: Final = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Hours of days of the week, as clocks at the site show them."""

    days: frozenset[int] = frozenset(range(7))
    """Days on which it opens; 0 is Monday."""
    start_min: int = 0
    """Minutes since midnight."""
    end_min: int = DAY_MIN
    """Exclusive; if it is not after the start, it is on the next day."""

    def __str__(self) -> str:
        days = " ".join(DAYS[day] for day in sorted(self.days))
        return f"{'every day' if len(self.days) == len(DAYS) else days} {_clock(self.start_min)}-{_clock(self.end_min)}"

    def shows(self, weekday: int, minute: int) -> bool:
        """Return whether it is open when a clock shows this minute of this day of the week."""
        if self.start_min < self.end_min:
            return weekday in self.days and self.start_min <= minute < self.end_min
        yesterday = (weekday - 1) % len(DAYS)
        return (weekday in self.days and minute >= self.start_min) or (yesterday in self.days and minute < self.end_min)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """A time during which nothing may be changed."""

    since: datetime
    until: datetime
    """Exclusive."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentWindows:
    """When releases may be changed: inside of a window, where there are any, and outside of every freeze."""

    zone: tzinfo
    zone_name: str
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
