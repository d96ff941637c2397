"""Gates that are expressions: over the pods of all stepped workloads, over objects, and over the step."""

from __future__ import annotations

import pytest

from bundler.confinement.rules import ConfinedRules
from bundler.health.step_gates import PASSED, GateAnswer, ask
from bundler.model.bundle import StepGate
from bundler.model.manifest import Source
from bundler.model.refs import ObjectRef
from bundler.model.rollout import (
    ALL_PODS,
    POD_FACTS,
    POD_SIDES,
    STEP_FACTS,
    GateOutcome,
    PodCount,
    Rollout,
    SeenWorkload,
    Share,
    Template,
)

ROLLOUT = Rollout(shares={"web": (Share(10, is_percent=True), ALL_PODS), "web/api": (Share(2), ALL_PODS)}, step=1)


def workload(component: str, new: PodCount, old: PodCount | None = None) -> SeenWorkload:
    ref = ObjectRef("apps", "Deployment", "prod", component.replace("/", "-"))
    return SeenWorkload(
        ref=ref, component=component, replicas=3, template=Template.NEW, pacing=None, new=new, old=old or PodCount()
    )


SEEN = (
    workload(
        "web",
        PodCount(wanted=2, there=2, ready=1, restarts=3, oldest_ready_s=40.0),
        PodCount(wanted=1, there=1, ready=1, oldest_ready_s=900.0),
    ),
    workload("web/api", PodCount(wanted=2, there=2, ready=2, oldest_ready_s=90.0)),
    workload("db", PodCount()),
)
OBJECTS = {"Deployment/*-web": {"status": {"replicas": 3}}}


def answer(expr: str, component: str = "") -> GateAnswer:
    gate = StepGate(name="g", expr=expr, component=component, source=Source("bundle.yaml", 7))
    return ask(gate, SEEN, OBJECTS, ROLLOUT)


@pytest.mark.parametrize(
    ("expr", "component"),
    [
        ("pods.new.wanted == 4 and pods.new.ready == 3 and pods.new.restarts == 3", ""),
        ("pods.old.wanted == 1 and pods.old.ready == 1 and pods.old.restarts == 0", ""),
        ("pods.new.oldestReadySeconds == 40 and pods.old.oldestReadySeconds == 900", ""),
        ("pods.of['web/api'].new.ready == pods.of['web/api'].new.wanted", ""),
        ("pods.of.db.new.oldestReadySeconds == 0", ""),
        ("pods.new.wanted == 4", "web"),
        ("pods.new.wanted == 2", "web/api"),
        ("objects['Deployment/*-web'].status.replicas == 3", ""),
        ("step.number == 1 and step.of == 3 and step.share.web == '10%' and step.share['web/api'] == '2'", ""),
    ],
)
def test_an_expression_sees_pods_objects_and_the_step(expr: str, component: str) -> None:
    assert answer(expr, component) == PASSED


def test_an_expression_sees_what_is_checked_before_and_no_more() -> None:
    for facts, names in (
        ("pods", POD_SIDES),
        ("pods.new", POD_FACTS),
        ("pods.of.web.old", POD_FACTS),
        ("step", STEP_FACTS),
    ):
        assert answer(f"{facts} | list | sort == {sorted(names)}") == PASSED, facts


def test_what_does_not_hold_yet_says_what_was_seen() -> None:
    found = answer("pods.new.restarts == 0", "web")
    assert found.outcome is GateOutcome.WAITING
    assert found.lines == (
        "not yet: pods.new.restarts == 0",
        "Deployment/web: 1 of 2 new pods ready and 3 restarts, 1 of 1 old pods ready",
        "Deployment/web-api: 2 of 2 new pods ready, 0 of 0 old pods ready",
    )


@pytest.mark.parametrize(
    ("expr", "why"),
    [
        ("objects['Service/web'].spec", "Service/web"),
        ("pods.of.shop.new.ready == 1", "shop"),
        ("1 / pods.old.restarts > 2", "division by zero"),
        ("'a' < 1", "bundle.yaml:7"),
        ("[1] * 100000000", "bundle.yaml:7"),
        ("range(10000000) | list", "bundle.yaml:7"),
    ],
)
def test_what_cannot_be_computed_has_not_passed_and_says_why(expr: str, why: str) -> None:
    found = answer(expr)
    assert found.outcome is GateOutcome.WAITING
    assert found.lines[0].startswith("its rule cannot be computed yet (")
    assert why in found.lines[0]


@pytest.mark.medium
def test_an_expression_is_computed_within_bounds_of_time_in_a_process_of_its_own() -> None:
    rules = ConfinedRules(max_rule_s=1)
    try:
        gate = StepGate(name="g", expr="pods.new.wanted == 4 and step.of == 3", source=Source("bundle.yaml", 7))
        assert ask(gate, SEEN, OBJECTS, ROLLOUT, rules) == PASSED
    finally:
        rules.close()
