"""Everything that a request says is in a saved plan, or is given again: a new field is not forgotten."""

from __future__ import annotations

from dataclasses import fields

from bundler import Accepted, ReleaseRequest, RollbackRequest, UninstallRequest
from bundler.library.plans import FLAGS
from bundler.model.saved_plan import SavedRequest

IN_THE_PLAN = {field.name for field in fields(SavedRequest)}
ELSEWHERE = {
    "values": "the folded values of the revision to be are in the plan",
    "resets_values": "they are all there is",
    "reuses_values": "they are all there is",
    "must_exist": "the plan knows its base revision",
    "accepted": "its flags are `accepts`",
    "authorship": "who applies the plan makes the revision",
    "fixes_drift": "a plan keeps what it means for conflicts",
    "lock_timeout_s": "an option of the run",
    "steps": "the plan calls them `rollout`",
    "inputs": "a controller says what it made a revision from; it applies no saved plans",
}


def test_every_part_of_a_request_is_in_the_plan_or_known_to_be_elsewhere():
    for kind in (ReleaseRequest, RollbackRequest, UninstallRequest):
        assert {field.name for field in fields(kind)} - IN_THE_PLAN - set(ELSEWHERE) == set(), kind.__name__


def test_every_consent_is_in_the_plan():
    # windows and orders are asked when a plan is applied; a controller, which carries an order out, applies none
    of_the_verb = {"removal", "plan", "outside_window", "order", "suspends_order"}
    assert {field.name for field in fields(Accepted)} == {*FLAGS, *of_the_verb}
