"""A namespace that was restored from a plain backup, without managedFields: its releases continue as if nothing had been."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from bundler.model.change import Action
from bundler.model.refs import ObjectRef
from bundler.planning.diff import object_diff
from tests.lib.menus import CONFIG, small_bundle
from tests.lib.widgets import DEFINITIONS, WIDGET, widgets
from tests.scenario.conftest import IN_MEMORY

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


@IN_MEMORY
def test_after_an_upgrade_of_restored_objects_there_is_nothing_left_to_do(world: World, tmp_path: Path):
    menu = restored_release(world, tmp_path)
    world.operator.upgrade(menu)
    assert world.operator.upgrade(menu).proposal.plan.is_empty


@IN_MEMORY
def test_the_plan_shows_what_goes_with_the_fields_that_are_taken_back(world: World, tmp_path: Path):
    menu = restored_release(world, tmp_path)
    plan = world.operator.diff(menu, text="other").plan
    (config,) = [one for one in plan.changes if one.ref.short == "ConfigMap/shop-config"]
    lines = object_diff(config).lines
    assert [line for line in lines if line.startswith("-")] == ["-  old: gone later", "-  text: hello"]
    assert [line for line in lines if line.startswith("+")] == ["+  text: other"]
    others = {one.ref.kind: object_diff(one).lines for one in plan.changes if one.reason == RESTORED}
    assert (others["Service"], others["Secret"]) == ((), ())
    assert [line.strip("-+ ") for line in others["Deployment"] if line[0] in "-+"] == ["value: hello", "value: other"]
    world.operator.upgrade(menu, text="other")
    assert world.get("ConfigMap", "shop-config")["data"] == {"text": "other"}


@IN_MEMORY
def test_a_rollback_takes_restored_objects_back_too(world: World, tmp_path: Path):
    menu = small_bundle(tmp_path / "first")
    world.operator.install(menu)
    world.operator.upgrade(small_bundle(tmp_path / "second", **{"templates/config.yaml": OLD_KEY}), text="other")
    world.restore(("", "ConfigMap"))
    result = world.operator.rollback()
    assert reasons(result)["ConfigMap/shop-config"] == (Action.UPDATE, RESTORED)
    config = world.get("ConfigMap", "shop-config")
    assert config["data"] == {"text": "hello"}
    assert managers(config) == {("bundler", "Apply")}


def test_a_restored_job_is_taken_back_and_not_made_anew(world: World, tmp_path: Path):
    menu = small_bundle(tmp_path / "first")
    world.operator.install(menu)
    (before,) = world.bodies("Job", "batch").values()
    world.restore(("batch", "Job"))
    (restored,) = world.bodies("Job", "batch").values()
    assert restored["metadata"]["uid"] != before["metadata"]["uid"]
    result = world.operator.upgrade(menu, text="other")
    (job,) = [one for one in result.proposal.plan.changes if one.ref.kind == "Job"]
    assert (job.action, job.reason) == (Action.UPDATE, RESTORED)
    (after,) = world.bodies("Job", "batch").values()
    assert after["metadata"]["uid"] == restored["metadata"]["uid"]
    assert ("bundler", "Apply") in managers(after)
    assert world.operator.upgrade(menu, text="other").proposal.plan.is_empty


@IN_MEMORY
def test_restored_objects_are_taken_back_while_controllers_write_them(world: World, tmp_path: Path):
    menu = small_bundle(tmp_path / "first")
    world.operator.install(menu)
    world.restore(("batch", "Job"))
    world.overtake("Job", "batch")
    world.operator.upgrade(menu)
    (after,) = world.bodies("Job", "batch").values()
    assert after["metadata"]["annotations"]["example.com/seen"] == "0"
    assert ("bundler", "Apply") in managers(after)


def test_a_restored_custom_resource_loses_what_its_bundle_dropped(world: World, tmp_path: Path):
    group = f"g{uuid.uuid4().hex[:8]}.example"
    before = widgets(tmp_path / "first", group, "size", "color")
    world.operator.install(before, "w")
    world.restore((group, "Widget"))
    after = widgets(tmp_path / "second", group, "size", "color")
    template = after / "templates/widget.yaml"
    template.write_text(WIDGET.format(group=group).replace(", color: {{ values.color | to_json }}", ""))
    values = (after / "values.yaml").read_text().splitlines(keepends=True)
    (after / "values.yaml").write_text("".join(line for line in values if not line.startswith("color")))
    plan = world.operator.diff(after, "w").plan
    (widget,) = [one for one in plan.changes if one.ref.kind == "Widget"]
    assert (widget.action, widget.reason) == (Action.UPDATE, RESTORED)
    assert [line for line in object_diff(widget).lines if line.startswith(("-", "+"))] == ["-  color: red"]
    world.operator.upgrade(after, "w")
    assert world.get("Widget", "w-widget", group)["spec"] == {"size": 1}
    assert world.operator.upgrade(after, "w").proposal.plan.is_empty
    world.cluster.delete(ObjectRef(DEFINITIONS, "CustomResourceDefinition", "", f"widgets.{group}"))


def test_what_others_wrote_since_a_restore_is_still_a_conflict(world: World, tmp_path: Path):
    menu = restored_release(world, tmp_path)
    world.edit("ConfigMap", "shop-config", {"data": {"text": "by hand"}})
    plan = world.operator.diff(menu, text="other").plan
    (config,) = [one for one in plan.changes if one.ref.short == "ConfigMap/shop-config"]
    assert [one.manager for one in config.conflicts] == ["kubectl-edit"]
