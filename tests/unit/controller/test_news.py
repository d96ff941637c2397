"""Events of an order: what is new is said once, where `kubectl describe` shows it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bundler import ListQuery, Session
from bundler.controller.events import Events
from bundler.controller.news import Happened, News, news_of
from bundler.controller.order import parse_order
from bundler.controller.status import (
    Attempt,
    AttemptResult,
    ComponentStatus,
    Condition,
    ConditionType,
    DriftStatus,
    OrderStatus,
    Phase,
    Reason,
)
from bundler.controller.status_body import status_body
from tests.lib.clocks import FakeClock
from tests.unit.controller.orders import order_body

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def said(*conditions, phase=Phase.READY, **more):
    return status_body(OrderStatus(observed_generation=4, phase=phase, conditions=conditions, **more), {}, NOW)


def condition(kind, status, reason, message=""):
    return Condition(type=kind, status=status, reason=reason, message=message)


def attempt(result, message=""):
    return Attempt(inputs="sha256:1", result=result, at=NOW, revision=8, message=message)


READY = condition(ConditionType.READY, True, Reason.READY)
WEB = ComponentStatus(name="web", status="Failed", ready=0, of=1, message="exit code 1")
NEWS = [
    (said(READY), Happened.READY, False),
    (said(condition(ConditionType.RECONCILING, True, Reason.PLANNING)), Happened.PLANNED, False),
    (said(condition(ConditionType.STALLED, True, Reason.CONTESTED, "HPA")), Happened.CONTESTED, True),
    (said(condition(ConditionType.STALLED, True, Reason.AWAITING_APPROVAL)), Happened.AWAITING_APPROVAL, True),
    (said(condition(ConditionType.STALLED, True, Reason.SOURCE_REFUSED)), Happened.SOURCE_REFUSED, True),
    (said(components=(WEB,)), Happened.COMPONENT_FAILED, True),
    (said(attempt=attempt(AttemptResult.SUCCEEDED)), Happened.APPLIED, False),
    (said(attempt=attempt(AttemptResult.ROLLED_BACK, "no")), Happened.ROLLED_BACK, True),
    (said(attempt=attempt(AttemptResult.FAILED, "no")), Happened.FAILED, True),
    (said(drift=DriftStatus(corrected=1, by="kubectl")), Happened.DRIFT_CORRECTED, False),
    (said(phase=Phase.SUSPENDED), Happened.SUSPENDED, False),
]


@pytest.mark.parametrize(("now", "happened", "is_warning"), NEWS, ids=[one[1] for one in NEWS])
def test_what_is_new_is_said_and_what_was_there_before_is_not(now, happened, is_warning):
    (news,) = news_of({}, now)
    assert (news.happened, news.is_warning) == (happened, is_warning)
    assert list(news_of(now, now)) == []


def test_no_event_is_made_of_an_attempt_that_something_in_passing_ended():
    assert list(news_of({}, said(attempt=attempt(AttemptResult.PASSING, "locked")))) == []


def test_an_event_is_written_once_and_again_after_a_while():
    clock, order = FakeClock(), parse_order(order_body())
    query = ListQuery(group="events.k8s.io", kind="Event", namespace="prod")
    with Session.sandbox() as session:
        session.cluster.create(namespace_payload())
        events = Events(session.cluster, clock, "controller-0")
        news = News(happened=Happened.READY, note="3/3 components are ready")
        for _ in range(3):
            events.say(order, news)
        found = session.cluster.list(query).items
        assert [(one["reason"], one["note"], one["type"]) for one in found] == [("Ready", news.note, "Normal")]
        assert found[0]["regarding"]["uid"] == "u-1"
        clock.sleep(601)
        events.say(order, news)
        assert len(session.cluster.list(query).items) == 2


def test_an_event_that_cannot_be_written_stops_nothing():
    with Session.sandbox() as session:
        Events(session.cluster, FakeClock(), "h").say(parse_order(order_body()), News(happened=Happened.READY, note=""))


def namespace_payload():
    from bundler import Payload

    return Payload.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}})
