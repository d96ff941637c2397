"""Operators outlive the objects they care for: at uninstall, at prune, and when a run died in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.errors.change import WaitTimeoutError
from bundler.model.events import Warned
from tests.lib.operators import OperatedCluster, operated_bundle
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World


@pytest.fixture
def operated(world: World, group: str) -> OperatedCluster:
    world.operator.cluster = cluster = OperatedCluster(world.cluster, group, world.operator.namespace)
    return cluster


def left_over(world: World, group: str) -> set[str]:
    names = (("Widget", group), ("Deployment", "apps"), ("Role", "rbac.authorization.k8s.io"))
    return {kind for kind, where in names if world.bodies(kind, where)}


def test_an_operator_is_deleted_after_its_objects_are_gone(
    world: World, operated: OperatedCluster, group: str, tmp_path: Path
) -> None:
    world.operator.install(operated_bundle(tmp_path, group), "op")
    world.operator.uninstall("op")
    assert operated.bereaved == ["Widget/main"]
    assert left_over(world, group) == set()
    assert world.operator.history("op") == ()


@IN_MEMORY
def test_an_upgrade_that_drops_an_operator_and_its_objects_does_it_in_that_order(
    world: World, operated: OperatedCluster, group: str, tmp_path: Path
) -> None:
    menu = operated_bundle(tmp_path, group)
    world.operator.install(menu, "op")
    world.operator.upgrade(menu, "op", operated="false")
    assert operated.bereaved == ["Widget/main"]
    assert left_over(world, group) == set()
    assert world.operator.statuses("op") == ["superseded", "deployed"]


@IN_MEMORY
@pytest.mark.parametrize("is_uninstall", [True, False])
def test_an_object_whose_operator_does_not_run_is_named_with_it_and_the_next_run_goes_on(
    world: World, operated: OperatedCluster, group: str, tmp_path: Path, *, is_uninstall: bool
) -> None:
    menu, operator = operated_bundle(tmp_path, group), world.operator
    operator.install(menu, "op", replicas="0")

    def remove() -> object:
        return operator.uninstall("op") if is_uninstall else operator.upgrade(menu, "op", operated="false")

    operator.timeout_s, usual_s = (40, operator.timeout_s) if world.is_sandbox else (4, operator.timeout_s)
    with pytest.raises(WaitTimeoutError) as raised:
        remove()
    stuck = raised.value.context[0]
    assert stuck.startswith("Widget/main still terminating after ")
    assert stuck.endswith(f"s: finalizer {group}/cleanup: Deployment/operator has 0 ready replicas")
    warned = [one.text for one in operator.events if isinstance(one, Warned) and "still terminating" in one.text]
    assert len(warned) == world.is_sandbox, "while waiting it is spoken of once, after half a minute"
    assert {"Deployment", "Role"} <= left_over(world, group)

    operator.timeout_s = usual_s
    world.scaler("operator", 1)  # type: ignore[attr-defined]
    remove()
    assert set(operated.bereaved) == {"Widget/main"}
    assert left_over(world, group) == set()
