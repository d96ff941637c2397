"""``deploymentWindows`` of a site file: windows and freezes in the time zone of the site. Layer: loader, pure.

What is known of time zones is read from the machine, or from the package tzdata where that is installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bundler.model.windows import DAY_MIN, DAYS, DeploymentWindows, Freeze, Window

if TYPE_CHECKING:
    from bundler.loader.decode import Node

_CLOCK: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def decode_windows(spec: Node) -> DeploymentWindows | None:
    """Read when releases may be changed; None if the site file does not say."""
    node = spec.child("deploymentWindows")
    if node is None:
        return None
    rules = spec.mapping("deploymentWindows", "timeZone", "windows", "freezes")
    name = rules.text("timeZone", is_required=True)
    zone = _zone(rules, name)
    if zone is None:
        return None
    windows = tuple(filter(None, map(_window, rules.items("windows", "days", "from", "until"))))
    freezes = tuple(filter(None, (_freeze(one, zone) for one in rules.items("freezes", "from", "until", "reason"))))
    return DeploymentWindows(zone=zone, zone_name=name, windows=windows, freezes=freezes)


def _zone(node: Node, name: str) -> tzinfo | None:
    if name in {"", "UTC"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f'"{name}" is not a time zone that this machine knows; write one like "Europe/Vienna"'
        (node.child("timeZone") or node).fail(f"{message}, or install tzdata (`pip install tzdata`)")
        return None


def _window(node: Node) -> Window | None:
    days = frozenset(_days(node)) or frozenset(range(len(DAYS)))
    start, end = _minutes(node, "from", 0), _minutes(node, "until", DAY_MIN)
    if start is None or end is None:
        return None
    if start in {end, DAY_MIN}:
        node.fail('is never open; for whole days leave "from" and "until" out')
        return None
    return Window(days=days, start_min=start, end_min=end)


def _days(node: Node) -> Iterator[int]:
    for day in node.texts("days"):
        if day in DAYS:
            yield DAYS.index(day)
        else:
            (node.child("days") or node).fail(f'has "{day}"; known: {", ".join(DAYS)}')


def _minutes(node: Node, key: str, default: int) -> int | None:
    text = node.text(key)
    if not text:
        return default
    if not _CLOCK.fullmatch(text):
        (node.child(key) or node).fail(f'is "{text}"; write a time of day like "20:00"')
        return None
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _freeze(node: Node, zone: tzinfo) -> Freeze | None:
    since, until = _moment(node, "from", zone), _moment(node, "until", zone, is_end=True)
    if since is None or until is None:
        return None
    if since >= until:
        node.fail("ends (until) before it begins (from)")
        return None
    return Freeze(since=since, until=until, reason=node.text("reason"))


_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9990, 1, 1, tzinfo=UTC)
"""A year like 9999 means for ever, and the calendar ends there: no time zone and no next window is beyond it."""


def _moment(node: Node, key: str, zone: tzinfo, *, is_end: bool = False) -> datetime | None:
    """Read a day, which counts as a whole, or a moment: in the time zone of the site, unless it says its own offset."""
    text = node.text(key, is_required=True)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        if not _FIRST.year <= found.year < _LAST.year:
            return max(_FIRST, min(found.replace(tzinfo=UTC), _LAST))
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text) + timedelta(days=1 if is_end else 0)
            found = datetime.combine(day, datetime.min.time())
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        (node.child(key) or node).fail(f'is "{text}"; write "2026-12-18" or "2026-12-18T18:00"')
        return None
