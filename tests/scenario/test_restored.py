"""A namespace that was restored from a plain backup, without managedFields: its releases continue as if nothing had been."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.change import Action
from tests.lib.menus import CONFIG, small_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World

RESTORED = "restored from a backup: its fields are taken back"
BACKED_UP = (("", "ConfigMap"), ("", "Secret"), ("", "Service"), ("apps", "Deployment"))
OLD_KEY = CONFIG.replace("data:\n  text:", "data:\n  old: gone later\n  text:", 1)


def restored_release(world: World, tmp_path: Path) -> Path:
    world.operator.install(small_bundle(tmp_path / "first", **{"templates/config.yaml": OLD_KEY}))
    world.restore(*BACKED_UP)
    return small_bundle(tmp_path / "second", **{"templates/config.yaml": CONFIG})


def reasons(result) -> dict[str, tuple[Action, str]]:
    changes = result.proposal.plan.changes
    return {one.ref.short: (one.action, one.reason) for one in changes if one.action is not Action.NONE}


def managers(body) -> set[tuple[str, str]]:
    return {(one["manager"], one["operation"]) for one in body["metadata"]["managedFields"]}


def test_an_upgrade_takes_restored_objects_back_and_says_so(world: World, tmp_path: Path):
    menu = restored_release(world, tmp_path)
    result = world.operator.upgrade(menu, text="other")
    restored = ("ConfigMap/shop-config", "Secret/shop-token", "Service/shop-web", "Deployment/shop-web")
    assert {name: reasons(result).get(name) for name in restored} == dict.fromkeys(restored, (Action.UPDATE, RESTORED))
    config = world.get("ConfigMap", "shop-config")
    assert config["data"] == {"text": "other"}
    assert managers(config) == {("bundler", "Apply")}


def test_after_an_upgrade_of_restored_objects_there_is_nothing_left_to_do(world: World, tmp_path: Path):
    menu = restored_release(world, tmp_path)
    world.operator.upgrade(menu)
    assert world.operator.upgrade(menu).proposal.plan.is_empty


def test_what_others_wrote_since_a_restore_is_still_a_conflict(world: World, tmp_path: Path):
    menu = restored_release(world, tmp_path)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "by hand"}})
    plan = world.operator.diff(menu, text="other").plan
    (config,) = [one for one in plan.changes if one.ref.short == "ConfigMap/shop-config"]
    assert [one.manager for one in config.conflicts] == ["kubectl-edit"]
