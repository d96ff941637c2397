"""Events of runs are JSON by one schema."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from bundler import ReleaseRequest, Session
from bundler.model import events
from bundler.model.change import Action
from bundler.model.health import Health, Status
from bundler.model.refs import ObjectRef
from bundler.model.rollout import GateOutcome
from bundler.wire.events import event_form
from tests.lib.output_schemas import check_output

WEB = ObjectRef("apps", "Deployment", "prod", "web")
EVENTS = (
    events.Notice("registry.site holds all images"),
    events.Warned("Service/web: it leads to no pod"),
    events.Acquired("bundle webapp 1.0.0"),
    events.PhaseStarted("applying", 12, hooks=2),
    events.ChangeStarted(WEB, Action.CREATE),
    events.ChangeFinished(WEB, Action.CREATE),
    events.HealthChanged(WEB, Health(Status.IN_PROGRESS, "1 of 3 replicas are ready", 1, 3), "ImagePullBackOff"),
    events.PodsReplaced(ref=WEB, component="web", step=1, of=3, target=3, new=2, new_ready=1, old=8, old_ready=8),
    events.GateJudged(gate="smoke", step=1, of=3, outcome=GateOutcome.FAILED, why="exit code 1", seconds=4.5),
    events.Retrying("listing Pods", 2, "429: too busy", 429),
    events.BytesMoved("importing", 1, 2),
)


def test_every_kind_of_event_is_here():
    assert {type(event) for event in EVENTS} == set(get_args(events.Event))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_a_document_of_its_schema(event):
    form = json.loads(json.dumps(event_form(event)))
    check_output(["event"], form)
    assert form["type"]


@pytest.mark.medium
def test_what_an_install_reports_is_told_in_order():
    with Session.sandbox() as session:
        forms = [event_form(event) for event in session.begin(ReleaseRequest(bundle="webapp", release="shop"))]
    for form in forms:
        check_output(["event"], form)
    kinds = [form["type"] for form in forms]
    assert kinds.index("acquired") < kinds.index("changeStarted") < kinds.index("changeFinished")
    assert {"object": "apps/Deployment/default/shop", "action": "create"}.items() <= next(
        form for form in forms if form["type"] == "changeStarted" and "Deployment" in form["object"]
    ).items()
