"""Whether a site lets its releases be changed at a moment, and when it does next. Layer: planning, pure.

A window is open whenever a clock at the site shows one of its minutes. On the night on which clocks go back it may so
open twice, and on that on which they go forward later than it says, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from bundler.errors.change import ClosedWindowError
from bundler.planning.problem import Problem

if TYPE_CHECKING:
    from bundler.model.site import Site
    from bundler.model.windows import DeploymentWindows

_AHEAD_DAYS: Final = 16
"""Every window opens within a week, or within two where clocks skip it."""
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


def closed_windows(site: Site | None, moment: datetime | None) -> Iterator[Problem]:
    """Find that the site does not let its releases be changed now.

    Args:
        site: whose windows and freezes hold; None: there are none.
        moment: the time; None if no site has windows.
    """
    if site is None or site.deployment is None or moment is None:
        return
    rules = site.deployment
    lines = closed_because(rules, moment)
    if lines:
        opening = next_opening(rules, moment)
        yield Problem(
            error=ClosedWindowError,
            doing=f"checking the deployment windows of site {site.name}",
            lines=(*lines, f"the next window opens {_local(rules, opening)}, in {_spell(opening - moment)}"),
            hint="wait until then, or pass --outside-window REASON, which is recorded",
        )


def closed_because(rules: DeploymentWindows, moment: datetime) -> tuple[str, ...]:
    """Return why nothing may be changed at a moment, a line each; nothing if changes may be made.

    Args:
        rules: windows and freezes.
        moment: the time, aware.
    """
    frozen = [
        f"changes are frozen until {_local(rules, freeze.until)}{f': {freeze.reason}' if freeze.reason else ''}"
        for freeze in rules.freezes
        if freeze.since <= moment < freeze.until
    ]
    if _is_in_window(rules, moment):
        return tuple(frozen)
    hours = ", ".join(map(str, rules.windows))
    return (*frozen, f"it is {_local(rules, moment)}, and changes are made {hours}")


def next_opening(rules: DeploymentWindows, moment: datetime) -> datetime:
    """Return the first moment, from this one on, at which changes may be made."""
    while True:
        while ends := [one.until for one in rules.freezes if one.since <= moment < one.until]:
            moment = max(ends)
        if _is_in_window(rules, moment):
            return moment
        moment = _next_window(rules, moment)


def _is_in_window(rules: DeploymentWindows, moment: datetime) -> bool:
    local = moment.astimezone(rules.zone)
    weekday, minute = local.weekday(), local.hour * 60 + local.minute
    return not rules.windows or any(window.shows(weekday, minute) for window in rules.windows)


def _next_window(rules: DeploymentWindows, moment: datetime) -> datetime:
    """Return when a window opens next, from a moment at which none is open: at its hour, or when clocks are changed."""
    today = moment.astimezone(rules.zone).date()
    days = [today + _DAY * number for number in range(_AHEAD_DAYS)]
    starts = [at for day in days for at in _starts_on(rules, day)]
    candidates = (*starts, *_clock_changes(rules, moment))
    return min(at for at in candidates if at > moment and _is_in_window(rules, at))


def _starts_on(rules: DeploymentWindows, day: date) -> Iterator[datetime]:
    """Yield the moments at which clocks show the first minute of a window: two on a night on which they go back."""
    midnight = datetime.combine(day, datetime.min.time())
    for window in rules.windows:
        shown = midnight + timedelta(minutes=window.start_min)
        for fold in (0, 1):
            moment = shown.replace(tzinfo=rules.zone, fold=fold).astimezone(UTC)
            if moment.astimezone(rules.zone).replace(tzinfo=None) == shown:
                yield moment


def _clock_changes(rules: DeploymentWindows, moment: datetime) -> Iterator[datetime]:
    def offset(at: datetime) -> timedelta | None:
        return at.astimezone(rules.zone).utcoffset()

    start = moment.astimezone(UTC).replace(microsecond=0)
    for number in range(_AHEAD_DAYS):
        before, after = start + _DAY * number, start + _DAY * (number + 1)
        if offset(before) == offset(after):
            continue
        while after - before > _SECOND:
            middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
            before, after = (middle, after) if offset(middle) == offset(before) else (before, middle)
        yield after


def _local(rules: DeploymentWindows, moment: datetime) -> str:
    return f"{moment.astimezone(rules.zone):%a %Y-%m-%d %H:%M} ({rules.zone_name})"


def _spell(length: timedelta) -> str:
    minutes = -(-length // timedelta(minutes=1))
    days, hours, rest = minutes // (24 * 60), minutes // 60 % 24, minutes % 60
    parts = [f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (rest, "min")) if number]
    return " ".join(parts[:2])
