"""How the steps of an upgrade are shown, in every form of a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bundler.cli.output.plan import PlanView, plan_lines
from bundler.cli.output.steps import paced_text, stepped_lines
from bundler.model.change import Action, Plan
from bundler.model.rollout import Rollout, Share
from bundler.model.steps import Paced
from bundler.planning.planned_steps import planned_steps
from bundler.wire.changes import difference_form, plan_form
from tests.lib.manifests import NAMESPACE, deployment, manifest
from tests.unit.planning.test_schedule import change
from tests.unit.planning.test_stepped_schedule import other, planned, workload

ROLLOUT = Rollout(
    shares={"web": (Share(1), Share(50, is_percent=True))}, gates=("quiet", "smoke"), pause_after="canary"
)
CHANGES = (
    workload("web", "web", replicas=3),
    other("ConfigMap", "settings", "web"),
    other("Ingress", "web", "web", "networking.k8s.io/v1"),
    change(manifest("ConfigMap", "old"), Action.DELETE),
)


def plan(rollout: Rollout | None = ROLLOUT) -> Plan:
    return Plan(changes=CHANGES, steps=planned(*CHANGES, rollout=rollout))


def shown(rollout: Rollout | None = ROLLOUT) -> list[str]:
    return [line.text for line in stepped_lines(planned_steps(plan(rollout).steps), NAMESPACE)]


def test_a_plan_says_what_each_step_moves_and_what_waits_for_the_finish():
    assert shown() == [
        "In 3 steps:",
        "  step 1: Deployment/web 1 of 3 pods (33 %); gates: quiet, smoke; then a pause",
        "  step 2: Deployment/web 50%, now 2 of 3 pods (67 %); gates: quiet, smoke",
        "  step 3, the finish: all pods; then what waits for it: Ingress/web; then what is deleted: ConfigMap/old",
    ]


def test_a_plan_that_continues_shows_the_steps_that_are_left():
    assert shown(replace(ROLLOUT, step=2))[0] == "In steps 2 to 3:"
    assert len(shown(replace(ROLLOUT, step=2))) == 3


@pytest.mark.parametrize("rollout", [None, replace(ROLLOUT, step=3)])
def test_a_plan_without_steps_and_one_at_the_finish_show_none(rollout):
    assert shown(rollout) == []
    assert "inSteps" not in plan_form(plan(rollout))


def test_the_steps_come_below_the_changes():
    lines = [line.text for line in plan_lines(plan(), PlanView(namespace=NAMESPACE, has_diffs=False))]
    assert lines.index("In 3 steps:") > max(at for at, line in enumerate(lines) if line.startswith(("~", "-")))
    assert lines[-1].startswith("plan: ")


@pytest.mark.parametrize("form", [plan_form, difference_form])
def test_data_has_the_steps_too(form):
    steps = form(plan())["inSteps"]
    assert steps["finish"] == 3
    assert steps["waiting"] == ["networking.k8s.io/Ingress/shop/web"]
    assert steps["deleted"] == ["core/ConfigMap/shop/old"]
    first, second = steps["steps"]
    assert first["workloads"] == [{"object": "apps/Deployment/shop/web", "share": "1", "pods": 1, "of": 3}]
    assert (first["gates"], first["pause"], second["pause"]) == (["quiet", "smoke"], True, False)


@pytest.mark.parametrize(
    ("share", "pods", "of", "expected"),
    [
        ("1", 1, 3, "1 of 3 pods (33 %)"),
        ("10%", 1, 3, "10%, now 1 of 3 pods (33 %)"),
        ("1", 0, 0, "0 of 0 pods"),
    ],
)
def test_a_share_says_what_it_comes_to_now(share, pods, of, expected):
    assert paced_text(Paced(ref=deployment().ref, share=share, pods=pods, of=of)) == expected
