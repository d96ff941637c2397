"""When a site lets its releases be changed: windows, freezes, and the nights on which clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from bundler.model.site import Site
from bundler.model.values import LayerKind
from bundler.model.windows import DeploymentWindows, Freeze, Window
from bundler.planning.windows import closed_because, closed_windows, next_opening
from bundler.values.merge import make_layer

VIENNA = ZoneInfo("Europe/Vienna")
MON, TUE, WED, THU, FRI, SAT, SUN = range(7)


def hours(start: str, end: str, *days: int) -> Window:
    (start_hour, start_minute), (end_hour, end_minute) = (map(int, text.split(":")) for text in (start, end))
    chosen = frozenset(days) or frozenset(range(7))
    return Window(days=chosen, start_min=start_hour * 60 + start_minute, end_min=end_hour * 60 + end_minute)


def rules(*windows: Window, freezes: tuple[Freeze, ...] = (), zone: ZoneInfo = VIENNA) -> DeploymentWindows:
    return DeploymentWindows(zone=zone, zone_name=zone.key, windows=windows, freezes=freezes)


def at(text: str, zone: ZoneInfo = VIENNA) -> datetime:
    """Read a time of the site, ``+`` at its end for the second one of a night on which clocks go back."""
    found = datetime.fromisoformat(text.rstrip("+"))
    return found.replace(tzinfo=zone, fold=int(text.endswith("+"))).astimezone(UTC)


NIGHTS = rules(hours("20:00", "23:30", MON, TUE, WED, THU), hours("22:00", "04:00", SAT))


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2026-11-30T14:05", "2026-11-30T20:00"),  # a Monday
        ("2026-11-30T20:00", "2026-11-30T20:00"),
        ("2026-11-30T23:29", "2026-11-30T23:29"),
        ("2026-11-30T23:30", "2026-12-01T20:00"),
        ("2026-12-03T23:30", "2026-12-05T22:00"),  # Thursday night: the next one is on Saturday
        ("2026-12-06T03:59", "2026-12-06T03:59"),  # Sunday morning is in the window that opened on Saturday
        ("2026-12-06T04:00", "2026-12-07T20:00"),
        ("2026-12-06T22:30", "2026-12-07T20:00"),  # Sunday night is not
    ],
)
def test_windows_of_days_and_across_midnight(moment: str, opening: str) -> None:
    assert next_opening(NIGHTS, at(moment)) == at(opening)
    assert (closed_because(NIGHTS, at(moment)) == ()) == (moment == opening)


@pytest.mark.parametrize(
    ("window", "moment", "opening"),
    [
        # 29 March 2026, 02:00: clocks go to 03:00
        (hours("02:30", "05:00"), "2026-03-29T01:59", "2026-03-29T03:00"),
        (hours("02:10", "02:50"), "2026-03-29T01:00", "2026-03-30T02:10"),  # no clock shows any minute of it
        (hours("02:10", "02:50", SUN), "2026-03-28T12:00", "2026-04-05T02:10"),
        (hours("01:00", "03:30"), "2026-03-29T03:00", "2026-03-29T03:00"),
        # 25 October 2026, 03:00: clocks go back to 02:00
        (hours("02:30", "02:45"), "2026-10-25T02:45", "2026-10-25T02:30+"),
        (hours("01:00", "02:30"), "2026-10-25T02:40", "2026-10-25T02:00+"),  # a clock shows its minutes once more
        (hours("02:30", "02:45"), "2026-10-25T02:45+", "2026-10-26T02:30"),
        (hours("22:00", "02:30"), "2026-10-25T02:29+", "2026-10-25T02:29+"),
    ],
)
def test_nights_on_which_clocks_are_changed(window: Window, moment: str, opening: str) -> None:
    assert next_opening(rules(window), at(moment)) == at(opening)


def freeze(since: str, until: str, reason: str = "") -> Freeze:
    return Freeze(since=at(since), until=at(until), reason=reason)


def test_freezes_that_overlap_hold_as_one_and_each_is_named() -> None:
    year = freeze("2026-12-18T00:00", "2027-01-07T00:00", "closing of the year")
    audit = freeze("2027-01-04T00:00", "2027-01-11T21:00", "audit")
    frozen = rules(*NIGHTS.windows, freezes=(year, audit))
    assert next_opening(frozen, at("2026-12-20T12:00")) == at("2027-01-11T21:00")  # a Monday, in its window
    assert closed_because(frozen, at("2027-01-04T21:00")) == (
        "changes are frozen until Thu 2027-01-07 00:00 (Europe/Vienna): closing of the year",
        "changes are frozen until Mon 2027-01-11 21:00 (Europe/Vienna): audit",
    )
    assert closed_because(frozen, at("2026-12-17T21:00")) == ()


def test_freezes_alone_leave_every_other_time_open() -> None:
    frozen = rules(freezes=(freeze("2026-12-18T00:00", "2027-01-07T00:00"),))
    assert closed_because(frozen, at("2026-12-17T23:59")) == ()
    assert next_opening(frozen, at("2026-12-18T00:00")) == at("2027-01-07T00:00")


def test_a_refusal_says_what_time_it_is_when_changes_are_made_and_when_the_next_window_opens() -> None:
    site = Site(name="acme", values=make_layer({}, LayerKind.SITE, ""), deployment=NIGHTS)
    (problem,) = closed_windows(site, at("2026-12-03T23:30"))
    assert problem.lines == (
        "it is Thu 2026-12-03 23:30 (Europe/Vienna), and changes are made Mon Tue Wed Thu 20:00-23:30, Sat 22:00-04:00",
        "the next window opens Sat 2026-12-05 22:00 (Europe/Vienna), in 1 d 22 h",
    )
    assert problem.hint == "wait until then, or pass --outside-window REASON, which is recorded"
    assert not [*closed_windows(site, at("2026-12-03T23:29"))]
    assert not [*closed_windows(None, at("2026-12-03T23:30"))]


MINUTE = timedelta(minutes=1)
ZONES = st.sampled_from(["Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
MINUTES = st.integers(0, 24 * 60 - 1)
WINDOWS = st.builds(
    lambda days, start, length: Window(days=days, start_min=start, end_min=(start + length) % (24 * 60) or 24 * 60),
    st.frozensets(st.integers(0, 6), min_size=1),
    MINUTES,
    st.integers(1, 24 * 60 - 1),
)
CHANGES = [
    datetime(2026, month, day, tzinfo=UTC) for month, day in ((3, 8), (3, 29), (4, 5), (10, 4), (10, 25), (11, 1))
]
FREEZES = st.tuples(st.integers(-600, 3000), st.integers(1, 1500))


@pytest.mark.medium
@settings(max_examples=60)
@given(ZONES, st.lists(WINDOWS, max_size=3), st.sampled_from(CHANGES), MINUTES, st.lists(FREEZES, max_size=3))
def test_the_next_opening_is_open_and_no_minute_before_it_is(zone, windows, night, minute, freezes) -> None:
    moment = night + minute * MINUTE
    frozen = tuple(
        Freeze(since=night + since * MINUTE, until=night + (since + length) * MINUTE) for since, length in freezes
    )
    site = rules(*windows, freezes=frozen, zone=ZoneInfo(zone))
    opening = next_opening(site, moment)
    assert closed_because(site, opening) == ()
    before = moment
    while before < min(opening, moment + timedelta(days=1)):
        assert closed_because(site, before) != ()
        before += 17 * MINUTE
    if opening > moment:
        assert closed_because(site, opening - MINUTE) != ()
