"""Two writers on one field: the controller gives in, names the other one, and tries again later."""

from __future__ import annotations

from bundler import DriftedField, DriftedObject, DriftKind, ObjectRef
from bundler.controller.contest import FIRST_PAUSE_S, LONGEST_PAUSE_S, Contest

REF = ObjectRef("apps", "Deployment", "prod", "shop")


def drifted(field: str = ".spec.replicas", manager: str = "keda") -> DriftedObject:
    one = DriftedField(field=field, recorded="1", live="3", manager=manager)
    return DriftedObject(ref=REF, kind=DriftKind.CHANGED, fields=(one,))


def test_three_times_in_ten_minutes_are_put_back_and_the_fourth_is_the_last() -> None:
    contest = Contest()
    for now_s in (0.0, 100.0, 200.0):
        contest.note([drifted()], now_s)
        assert contest.contested([drifted()], now_s) == ()
    contest.note([drifted()], 300.0)
    (one,) = contest.contested([drifted()], 301.0)
    assert (one.ref, one.field, one.manager, one.count) == (REF, ".spec.replicas", "keda", 4)
    assert one.rule == "Deployment/shop:.spec.replicas"
    assert str(one) == "Deployment/shop .spec.replicas is changed again by keda whenever bundler puts it back (4 times)"


def test_four_times_in_a_day_are_no_contest() -> None:
    contest = Contest()
    for now_s in (0.0, 4000.0, 8000.0, 12000.0):
        contest.note([drifted()], now_s)
    assert contest.contested([drifted()], 12001.0) == ()


def test_another_field_of_the_object_is_put_back_all_the_same() -> None:
    contest = Contest()
    for now_s in range(4):
        contest.note([drifted()], float(now_s))
    assert contest.contested([drifted(".spec.paused")], 5.0) == ()


def test_pauses_double_from_a_minute_to_half_an_hour() -> None:
    contest, now_s, pauses = Contest(), 0.0, []
    for _ in range(4):
        contest.note([drifted()], now_s)
    for _ in range(8):
        pause_s = contest.again_s(now_s)
        assert pause_s is not None
        pauses.append(pause_s)
        now_s += pause_s
        assert contest.contested([drifted()], now_s) == ()
        for _ in range(4):
            contest.note([drifted()], now_s)
    assert pauses[:3] == [FIRST_PAUSE_S, 120.0, 240.0]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_an_object_that_is_deleted_again_and_again_is_contested_as_a_whole() -> None:
    contest, gone = Contest(), DriftedObject(ref=REF, kind=DriftKind.MISSING)
    for now_s in range(4):
        contest.note([gone], float(now_s))
    (one,) = contest.contested([gone], 5.0)
    assert (one.rule, str(one)) == ("", "Deployment/shop is deleted again whenever bundler puts it back (4 times)")


def test_a_field_that_was_quiet_for_long_begins_anew() -> None:
    contest = Contest()
    for now_s in range(4):
        contest.note([drifted()], float(now_s))
    much_later_s = 10_000.0
    assert contest.contested([drifted()], much_later_s) == ()
    contest.note([drifted()], much_later_s)
    assert contest.contested([drifted()], much_later_s) == ()
