"""Readiness by the author's own expressions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bundler.health.author import author_health
from bundler.health.compute import compute_health, without_operators
from bundler.model.bundle import ReadinessRule
from bundler.model.health import Health, Status
from bundler.model.manifest import Source
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.model.json import Body

REF = ObjectRef("postgresql.example", "Cluster", "prod", "db")
RULE = ReadinessRule(
    group="postgresql.example",
    kind="Cluster",
    ready="object.status.phase == 'Healthy'",
    failed="object.status.phase == 'Failed'",
    source=Source("bundle.yaml", 30),
)


def judge(body: Body, *rules: ReadinessRule) -> Health:
    return compute_health(REF, {"metadata": {"generation": 1}, **body}, rules=rules)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"status": {"phase": "Healthy"}}, Status.CURRENT),
        ({"status": {"phase": "Failed"}}, Status.FAILED),
        ({"status": {"phase": "Creating"}}, Status.IN_PROGRESS),
        ({"status": {}}, Status.IN_PROGRESS),
        ({}, Status.IN_PROGRESS),
        ({"status": {"phase": "Healthy", "observedGeneration": 0}}, Status.IN_PROGRESS),
        ({"status": {"phase": "Healthy"}, "metadata": {"deletionTimestamp": "now"}}, Status.TERMINATING),
    ],
)
def test_the_rule_of_the_author_decides(body: Body, status: Status) -> None:
    assert judge(body, RULE).status is status


def test_where_no_operator_runs_a_custom_object_without_a_status_is_named_and_no_longer_on_its_way() -> None:
    lonely = without_operators(author_health)
    assert lonely(RULE, {}).status is Status.UNKNOWN
    assert "no operator runs" in lonely(RULE, {}).message
    assert lonely(RULE, {"status": {"phase": "Creating"}}).status is Status.IN_PROGRESS, "someone writes its status"
    assert lonely(replace(RULE, ready="true"), {}).status is Status.CURRENT
    assert lonely(replace(RULE, group="apps", kind="Deployment"), {}).status is Status.IN_PROGRESS


def test_what_cannot_be_computed_yet_says_why() -> None:
    assert "status" in judge({}, RULE).message


def test_the_rule_takes_the_place_of_conditions() -> None:
    body: Body = {"status": {"phase": "Creating", "conditions": [{"type": "Ready", "status": "True"}]}}
    assert judge(body, RULE).status is Status.IN_PROGRESS
    assert judge(body).status is Status.CURRENT


def test_the_first_rule_that_matches_wins_and_names_narrow_it() -> None:
    other = ReadinessRule(group=REF.group, kind=REF.kind, name="other", ready="false", source=Source("bundle.yaml", 1))
    this = ReadinessRule(group=REF.group, kind=REF.kind, name="db", ready="true", source=Source("bundle.yaml", 2))
    body: Body = {"status": {"phase": "Creating"}}
    assert judge(body, other, this, RULE).status is Status.CURRENT
    assert judge(body, other, RULE).status is Status.IN_PROGRESS


def test_a_field_that_only_a_failure_writes_does_not_stop_readiness() -> None:
    rule = replace(RULE, failed="object.status.failureReason != ''")
    assert judge({"status": {"phase": "Healthy"}}, rule).status is Status.CURRENT
    assert judge({"status": {"phase": "Healthy", "failureReason": "disk"}}, rule).status is Status.FAILED
