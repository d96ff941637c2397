"""What is written of an order, by the rules that `kubectl wait` and other controllers go by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bundler.controller.conditions import beginning, is_seen
from bundler.controller.order import parse_order
from bundler.controller.status import (
    Attempt,
    AttemptResult,
    ComponentStatus,
    Condition,
    ConditionType,
    DriftStatus,
    Keeper,
    OrderStatus,
    Phase,
    Reason,
    RunningBundle,
    WaitingPlan,
)
from bundler.controller.status_body import attempt_of, drift_of, inputs_of, says_more, status_body
from bundler.model.redaction import Redactor
from tests.unit.controller.orders import DIGEST, order_body

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
READY = Condition(type=ConditionType.READY, status=True, reason=Reason.READY, message="2 of 2 components are ready")
NOT_READY = Condition(type=ConditionType.READY, status=False, reason=Reason.COMPONENT_NOT_READY, message="web 2/3")


def told(*conditions, generation=4, **more):
    return OrderStatus(observed_generation=generation, phase=Phase.READY, conditions=conditions, **more)


def condition(body, kind):
    return next((one for one in body["conditions"] if one["type"] == kind), None)


def test_a_condition_keeps_the_time_of_its_last_change_while_its_status_is_the_same():
    first = status_body(told(READY), {}, NOW)
    same = status_body(told(Condition(type=ConditionType.READY, status=True, reason=Reason.DRIFT)), first, LATER)
    other = status_body(told(NOT_READY), first, LATER)
    assert condition(first, "Ready")["lastTransitionTime"] == "2026-11-30T12:00:00Z"
    assert condition(same, "Ready")["lastTransitionTime"] == "2026-11-30T12:00:00Z"
    assert condition(same, "Ready")["reason"] == "Drift"
    assert condition(other, "Ready")["lastTransitionTime"] == "2026-11-30T12:05:00Z"


def test_each_condition_says_which_generation_it_is_about():
    body = status_body(told(READY, generation=9), {}, NOW)
    assert (body["observedGeneration"], condition(body, "Ready")["observedGeneration"]) == (9, 9)


def test_the_first_words_on_a_new_generation_are_that_nothing_is_known_of_it_yet():
    order = parse_order({**order_body(), "status": status_body(told(READY, generation=3), {}, NOW)})
    assert not is_seen(order)
    body = status_body(told(*beginning(Reason.PLANNING)), order.status, LATER)
    assert condition(body, "Ready")["status"] == "Unknown"
    assert condition(body, "Reconciling")["status"] == "True"
    assert body["observedGeneration"] == 4
    assert is_seen(parse_order({**order_body(), "status": body}))


def test_conditions_of_what_is_not_normal_are_there_only_while_they_are_true():
    stalled = Condition(type=ConditionType.STALLED, status=True, reason=Reason.AWAITING_APPROVAL)
    no_more = Condition(type=ConditionType.STALLED, status=False, reason=Reason.READY)
    drifted = Condition(type=ConditionType.DRIFTED, status=False, reason=Reason.NO_DRIFT)
    body = status_body(told(READY, stalled, drifted), {}, NOW)
    assert [one["type"] for one in body["conditions"]] == ["Ready", "Stalled", "Drifted"]
    body = status_body(told(READY, no_more, drifted), body, LATER)
    assert [one["type"] for one in body["conditions"]] == ["Ready", "Drifted"]


def test_nothing_is_written_again_where_nothing_changed_even_by_another_controller():
    first = status_body(told(READY, kept_by=Keeper(host="a", version="1")), {}, NOW)
    again = status_body(told(READY, kept_by=Keeper(host="b", version="1")), first, LATER)
    assert not says_more(again, first)
    assert says_more(status_body(told(NOT_READY, kept_by=Keeper(host="b", version="1")), first, LATER), first)
    assert says_more(first, {})


def test_what_a_status_says_is_read_back():
    attempt = Attempt(
        inputs="sha256:1",
        result=AttemptResult.ROLLED_BACK,
        at=NOW,
        revision=8,
        reason=Reason.FAILED_ONCE,
        message="web did not become ready",
        retry="again",
        tries=2,
    )
    drift = DriftStatus(objects=("Deployment/web",), corrected=3, last_at=NOW, by="kubectl-edit")
    body = status_body(told(READY, attempt=attempt, drift=drift, inputs="sha256:2"), {}, NOW)
    assert attempt_of(body) == attempt
    assert drift_of(body) == drift
    assert inputs_of(body) == "sha256:2"
    assert attempt_of({}) is None


def test_components_have_a_line_each_and_a_sum_that_kubectl_prints():
    components = (
        ComponentStatus(name="db", status="Current", ready=1, of=1),
        ComponentStatus(name="web", status="InProgress", ready=2, of=3, message="2 of 3 replicas"),
    )
    body = status_body(told(READY, components=components, bundle=RunningBundle(name="shop", version="1.4.0")), {}, NOW)
    assert body["components"] == [
        {"name": "db", "status": "Current", "ready": "1/1"},
        {"name": "web", "status": "InProgress", "ready": "2/3", "message": "2 of 3 replicas"},
    ]
    assert body["summary"] == {"components": "1/2", "bundle": "shop 1.4.0"}


def test_of_too_many_components_those_that_are_not_ready_are_shown():
    many = tuple(
        ComponentStatus(name=f"c{number}", status="Failed" if number == 499 else "Current", ready=1, of=1)
        for number in range(500)
    )
    body = status_body(told(READY, components=many), {}, NOW)
    assert body["components"][0]["name"] == "c499"
    assert body["summary"]["components"] == "499/500"


def test_what_is_sensitive_is_masked_wherever_a_person_reads_it():
    secret = "hunter2-but-longer"
    redactor = Redactor()
    redactor.learn(secret)
    text = f"password {secret} was refused"
    status = told(
        Condition(type=ConditionType.READY, status=False, reason=Reason.FAILED_ONCE, message=text),
        components=(ComponentStatus(name="web", status="Failed", ready=0, of=1, message=text),),
        attempt=Attempt(inputs=DIGEST, result=AttemptResult.FAILED, at=NOW, message=text),
        plan=WaitingPlan(digest=DIGEST, why=(text,), text=text),
        drift=DriftStatus(objects=(text,), by=text),
    )
    body = status_body(status, {}, NOW, redact=redactor.redact)
    assert secret not in str(body)
    assert str(body).count("password *** was refused") == 7


def test_what_a_terminal_would_take_as_a_command_is_not_written():
    body = status_body(
        told(Condition(type=ConditionType.READY, status=False, reason=Reason.FAILED_ONCE, message="a\x1b[2Jb\nc")),
        {},
        NOW,
    )
    assert condition(body, "Ready")["message"] == "a [2Jb\nc"
