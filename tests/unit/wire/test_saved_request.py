"""What a saved plan was asked for, as JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from bundler.model.rollout import OnFailure, RolloutRequest, Share
from bundler.model.saved_plan import PlannedVerb, SavedRequest
from bundler.wire.parts import MalformedError, Part
from bundler.wire.saved_request import read_request, request_form
from tests.lib.laws import examples

PLAIN = SavedRequest(verb=PlannedVerb.INSTALL, release="shop", namespace="prod", bundle="./shop")
SHARES = st.lists(st.builds(Share, st.integers(1, 99), st.booleans()), max_size=3).map(tuple)
TEXTS = st.lists(st.text(max_size=5), max_size=2).map(tuple)
ROLLOUTS = st.builds(
    RolloutRequest,
    steps=SHARES,
    shares=st.dictionaries(st.text(max_size=5), SHARES, max_size=2),
    of=TEXTS,
    pause_after=st.sampled_from(["", "none", "each", "canary", "3"]),
    soak_s=st.none() | st.integers(0, 9999),
    step_timeout_s=st.none() | st.integers(0, 9999),
    on_failure=st.none() | st.sampled_from(OnFailure),
    gates=TEXTS,
    has_canary=st.booleans(),
    accepts_shared_config=st.booleans(),
    in_one_step=st.booleans(),
)


def read(form: object) -> SavedRequest:
    document = {"verb": "install", "release": "shop", "namespace": "prod", "request": json.loads(json.dumps(form))}
    whole = Part(document, "")
    return read_request(whole, whole.part("request"))


@settings(max_examples=examples(100), deadline=None)
@given(ROLLOUTS)
def test_what_was_asked_of_an_upgrade_in_steps_reads_back_equal(rollout):
    asked = replace(PLAIN, rollout=rollout)
    assert read(request_form(asked)) == asked


def test_a_plan_without_steps_is_written_as_it_always_was_and_reads_back():
    form = request_form(PLAIN)
    assert "rollout" not in form
    assert read(form) == PLAIN


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"steps": ["0%"]}, "request.rollout.steps: '0%' is neither a number of pods nor a percentage"),
        ({"steps": [1]}, "request.rollout.steps holds what is not a string"),
        ({"shares": {"web": "1"}}, "request.rollout.shares.web is not a list"),
        ({"shares": {"web": ["x"]}}, "request.rollout.shares.web: 'x' is neither"),
        ({"pauseAfter": "often"}, "request.rollout.pauseAfter: 'often' is not one of canary, each, none"),
        ({"onFailure": "retry"}, "request.rollout.onFailure: 'retry'"),
        ({"soakSeconds": -1}, "request.rollout.soakSeconds"),
        ({"surge": 1}, "request.rollout.surge is not known"),
    ],
)
def test_steps_that_are_not_as_they_were_made_are_refused(changed, said):
    form = request_form(replace(PLAIN, rollout=RolloutRequest()))
    with pytest.raises(MalformedError) as refused:
        read({**form, "rollout": {**form["rollout"], **changed}})
    assert said in str(refused.value)
