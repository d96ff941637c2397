"""A release whose own webhook is down can be repaired, and removed."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from bundler.model.change import Action
from bundler.model.refs import ObjectRef
from tests.lib.judged import ADMISSION, CONFIGURATION, JudgedCluster, judged_bundle
from tests.lib.widgets import DEFINITIONS

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.change import Change
    from tests.scenario.conftest import World


@pytest.fixture
def group() -> str:
    return f"g{uuid.uuid4().hex[:8]}.example"


@pytest.fixture
def world(sandbox_world: World, group: str) -> World:
    operator = sandbox_world.operator
    operator.cluster = JudgedCluster(sandbox_world.cluster, group, operator.namespace)
    return sandbox_world


def change_of(result, kind: str) -> Change:
    return next(change for change in result.proposal.plan.changes if change.ref.kind == kind)


def test_an_object_that_the_operators_webhook_judges_is_written_after_it(world: World, group: str, tmp_path: Path):
    world.operator.install(judged_bundle(tmp_path, group), "op")
    order = world.operator.cluster.order
    assert order.index("Deployment") < order.index(CONFIGURATION) < order.index("Widget")


def test_an_upgrade_that_repairs_the_operator_is_not_refused_for_what_its_webhook_judges(
    world: World, group: str, tmp_path: Path
):
    menu = judged_bundle(tmp_path, group)
    world.operator.install(menu, "op")
    world.operator.upgrade(menu, "op", replicas="0")
    result = world.operator.upgrade(menu, "op", replicas="1", size="2")
    widget = change_of(result, "Widget")
    assert (widget.is_judged, widget.is_verified, widget.awaits_webhook) == (True, False, True)
    assert world.get("Widget", "main", group)["spec"]["size"] == 2
    assert world.operator.statuses("op") == ["superseded", "superseded", "deployed"]
    again = world.operator.upgrade(menu, "op", size="3")
    assert change_of(again, "Widget").is_verified, "a webhook that answers is asked"


def test_an_uninstall_takes_a_webhook_away_first_that_nothing_answers(world: World, group: str, tmp_path: Path):
    world.operator.install(judged_bundle(tmp_path, group), "op")
    world.scaler("operator", 0)
    world.operator.cluster.order.clear()
    result = world.operator.uninstall("op")
    assert world.operator.cluster.order[:2] == [CONFIGURATION, "Widget"]
    assert "nothing answers its Service" in change_of(result, CONFIGURATION).reason
    assert world.operator.history("op") == ()


def test_an_uninstall_lets_a_webhook_that_answers_outlive_what_it_judges(world: World, group: str, tmp_path: Path):
    world.operator.install(judged_bundle(tmp_path, group), "op")
    world.operator.cluster.order.clear()
    result = world.operator.uninstall("op")
    order = [kind for kind in world.operator.cluster.order if kind in {CONFIGURATION, "Widget", "Deployment"}]
    assert order == ["Widget", CONFIGURATION, "Deployment"]
    assert change_of(result, CONFIGURATION).action is Action.DELETE
    assert world.cluster.get(ObjectRef(ADMISSION, CONFIGURATION, "", group)) is None
    assert world.cluster.get(ObjectRef(DEFINITIONS, "CustomResourceDefinition", "", f"widgets.{group}")) is not None
