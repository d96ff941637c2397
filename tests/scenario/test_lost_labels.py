"""Labels are not the only memory: the record names each object, and one without its label is found by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.status import release_state, wait_for_release
from bundler.model.change import Action
from bundler.model.health import Status
from bundler.model.labels import RELEASE_UID
from bundler.model.refs import ObjectRef
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from tests.scenario.conftest import World


def take_label_off(world: World, kind: str, name: str, group: str = "") -> None:
    world.edit(kind, name, {"metadata": {"labels": {RELEASE_UID: None}}}, group=group)
    assert RELEASE_UID not in world.get(kind, name, group)["metadata"]["labels"]


def changes(result) -> dict[str, tuple[Action, str]]:
    plan = result.proposal.plan
    return {one.ref.short: (one.action, one.reason) for one in plan.changes if one.action is not Action.NONE}


def test_an_upgrade_puts_the_label_back_and_says_so(world: World):
    world.operator.install(world.menu)
    take_label_off(world, "Deployment", "shop-web", "apps")
    take_label_off(world, "ConfigMap", "shop-config")
    again = world.operator.upgrade(world.menu)
    put_back = (Action.UPDATE, "its release label was removed; it is put back")
    assert changes(again) == {"Deployment/shop-web": put_back, "ConfigMap/shop-config": put_back}
    assert RELEASE_UID in world.get("Deployment", "shop-web", "apps")["metadata"]["labels"]
    assert world.operator.upgrade(world.menu).proposal.plan.is_empty


def test_what_lost_its_label_is_pruned_and_uninstalled(world: World):
    world.operator.install(world.menu, extra="true")
    take_label_off(world, "ConfigMap", "shop-extra")
    world.operator.upgrade(world.menu, extra="false")
    assert world.get("ConfigMap", "shop-extra") is None
    take_label_off(world, "Deployment", "shop-web", "apps")
    take_label_off(world, "Service", "shop-web")
    world.operator.uninstall()
    assert world.get("Deployment", "shop-web", "apps") is None
    assert world.get("Service", "shop-web") is None


@IN_MEMORY
def test_status_finds_what_lost_its_label(world: World):
    world.operator.install(world.menu)
    take_label_off(world, "Deployment", "shop-web", "apps")
    state = release_state(world.operator.ports(), world.operator.namespace, "shop")
    found = {one.entry.ref.short: one.health.status for one in state.objects}
    assert found["Deployment/shop-web"] is Status.CURRENT


@IN_MEMORY
def test_waiting_finds_what_lost_its_label(world: World):
    world.operator.install(world.menu)
    take_label_off(world, "Deployment", "shop-web", "apps")
    take_label_off(world, "ConfigMap", "shop-config")
    assert wait_for_release(world.operator.ports(), world.operator.namespace, "shop").is_ready


@IN_MEMORY
@pytest.mark.parametrize("count", [1, 12])
def test_many_recorded_objects_that_are_gone_take_one_list(world: World, count: int):
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x{{ n }}}\n---\n"
    template = world.menu / "templates" / "many.yaml"
    template.write_text("{% for n in range(values.replicas) %}\n" + config + "{% endfor %}\n")
    world.operator.install(world.menu, replicas=str(count))
    take_label_off(world, "ConfigMap", "x0")
    for number in range(1, count):
        world.cluster.delete(ObjectRef("", "ConfigMap", world.operator.namespace, f"x{number}"))
    result = world.operator.upgrade(world.menu, replicas=str(count))
    assert changes(result)["ConfigMap/x0"][0] is Action.UPDATE
    assert sum(action is Action.CREATE for action, _ in changes(result).values()) == count - 1
