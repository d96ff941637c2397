"""Values whose schema says ``immutable`` stay as they were first installed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bundler.errors.change import HookFailedError, ImmutableFieldError
from tests.lib.bundles import make_bundle
from tests.scenario.test_hooks import hook

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World

TEMPLATE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {text: {{ values | tojson | quote }}}\n"


def menu(folder: Path, *properties: str, **defaults: object) -> Path:
    shape: dict[str, object] = {name: {"immutable": True} for name in properties}
    schema = {"type": "object", "properties": {**{name: {} for name in defaults}, **shape}}
    files = {
        "templates/a.yaml": TEMPLATE,
        "values.yaml": json.dumps(defaults),
        "values.schema.json": json.dumps(schema),
    }
    return make_bundle(folder, files)


def test_a_change_is_refused_with_both_values_and_who_set_the_new_one(sandbox_world: World, tmp_path: Path):
    operator, bundle = sandbox_world.operator, menu(tmp_path, "zone", zone="a", size=1)
    operator.install(bundle, zone="b")
    operator.upgrade(bundle, zone="b", size="2")
    with pytest.raises(ImmutableFieldError) as raised:
        operator.upgrade(bundle, zone="c", size="3")
    assert raised.value.context == ('zone: "b" is recorded and cannot change, "c" is given (--set zone=c)',)


def test_a_value_that_was_not_recorded_may_be_set_once(sandbox_world: World, tmp_path: Path):
    operator = sandbox_world.operator
    operator.install(menu(tmp_path / "one", size=1))
    second = menu(tmp_path / "two", "zone", zone="a", size=1)
    operator.upgrade(second, zone="b")
    with pytest.raises(ImmutableFieldError):
        operator.upgrade(second, zone="a")


def test_an_install_that_never_came_to_its_end_may_be_repeated_with_another_value(sandbox_world: World, tmp_path: Path):
    operator, bundle = sandbox_world.operator, menu(tmp_path, "zone", zone="a", step="x")
    (bundle / "hooks").mkdir()
    (bundle / "hooks/never.yaml").write_text(hook("never", "before-install", image="zone"))
    (name,) = [one.ref.name for one in operator.diff(bundle, zone="wrong").plan.changes if one.hook]
    sandbox_world.cluster.fail("Job", name, "CrashLoopBackOff", operator.namespace)  # type: ignore[attr-defined]
    with pytest.raises(HookFailedError):
        operator.install(bundle, zone="wrong")
    operator.install(bundle, zone="right")
    with pytest.raises(ImmutableFieldError):
        operator.upgrade(bundle, zone="left")


def test_a_rollback_is_not_held_up_by_values_that_never_changed(sandbox_world: World, tmp_path: Path):
    operator, bundle = sandbox_world.operator, menu(tmp_path, "zone", zone="a", size=1)
    operator.install(bundle)
    operator.upgrade(bundle, size="2")
    operator.rollback()
    assert operator.statuses()[-1] == "deployed"


def test_a_rollback_that_changes_a_value_back_is_refused_by_what_the_deployed_revision_says(
    sandbox_world: World, tmp_path: Path
):
    operator, free = sandbox_world.operator, menu(tmp_path / "free", zone="a", key="", size=1)
    fixed = menu(tmp_path / "fixed", "zone", zone="a", key="", size=1)
    operator.install(free)
    operator.upgrade(free, zone="b")
    operator.upgrade(fixed, size="3")
    with pytest.raises(ImmutableFieldError) as raised:
        operator.rollback(revision=1)
    said = 'zone: "b" is recorded in revision 3 and cannot change, revision 1 has "a"'
    assert raised.value.context == (said,)
    assert "--allow-downgrade" in raised.value.hint
    assert operator.statuses()[-1] == "deployed"
    operator.rollback(revision=2)
    operator.rollback(revision=1)  # what revision 2 recorded, and runs now, does not say that it stays


def test_a_secret_that_cannot_go_back_is_not_shown(sandbox_world: World, tmp_path: Path):
    operator, made = sandbox_world.operator, []
    for is_fixed in (False, True):
        shape = {"writeOnly": True, "immutable": is_fixed}
        files = {
            "templates/a.yaml": TEMPLATE,
            "values.yaml": "{}",
            "values.schema.json": json.dumps({"type": "object", "properties": {"key": shape}}),
        }
        made.append(make_bundle(tmp_path / str(is_fixed), files))
    for key in ("correct-horse-battery", "hunter2hunter2"):
        operator.upgrade(made[0], key=key, request={"must_exist": False})
    operator.upgrade(made[1])
    with pytest.raises(ImmutableFieldError) as raised:
        operator.rollback(revision=1)
    assert raised.value.context == ("key: *** is recorded in revision 3 and cannot change, revision 1 has ***",)


def test_a_rollback_to_before_there_was_a_value_or_from_an_older_record_is_not_held_up(
    sandbox_world: World, tmp_path: Path
):
    operator = sandbox_world.operator
    operator.install(menu(tmp_path / "one", size=1))
    operator.upgrade(menu(tmp_path / "two", "zone", zone="a", size=1), zone="b")
    operator.rollback(revision=1)
    assert operator.statuses()[-1] == "deployed"


def test_values_of_components_stay_too(sandbox_world: World, tmp_path: Path):
    operator, bundles = sandbox_world.operator, []
    for fixed in ((), ("zone",)):
        menu(tmp_path / f"db{len(fixed)}", *fixed, zone="a")
        files = {"values.yaml": "{}", "templates/b.yaml": TEMPLATE.replace("name: a", "name: b")}
        spec = [{"name": "db", "bundle": f"../../db{len(fixed)}/demo"}]
        bundles.append(make_bundle(tmp_path / f"all{len(fixed)}", files, components=spec))  # type: ignore[arg-type]
    operator.install(bundles[0])
    operator.upgrade(bundles[0], db__zone="b")
    operator.upgrade(bundles[1])
    with pytest.raises(ImmutableFieldError) as raised:
        operator.rollback(revision=1)
    assert raised.value.context == ('db.zone: "b" is recorded in revision 3 and cannot change, revision 1 has "a"',)


def test_a_value_that_is_taken_away_is_a_change_and_a_secret_one_is_not_shown(sandbox_world: World, tmp_path: Path):
    operator = sandbox_world.operator
    schema = {
        "type": "object",
        "properties": {"zone": {"immutable": True}, "key": {"immutable": True, "writeOnly": True}},
    }
    files = {"templates/a.yaml": TEMPLATE, "values.yaml": "{}", "values.schema.json": json.dumps(schema)}
    bundle = make_bundle(tmp_path, files)
    operator.install(bundle, zone="b", key="correct-horse-battery")
    with pytest.raises(ImmutableFieldError) as raised:
        operator.upgrade(bundle, request={"resets_values": True})
    key, zone = raised.value.context
    assert key.startswith("key: *** is recorded and cannot change, *** is given")
    assert zone.startswith('zone: "b" is recorded and cannot change, nothing is given')


def test_what_is_below_a_list_is_followed_too(sandbox_world: World, tmp_path: Path):
    operator = sandbox_world.operator
    item = {"type": "object", "properties": {"zone": {"immutable": True}, "size": {}}}
    schema = {"type": "object", "properties": {"parts": {"type": "array", "items": item}}}
    files = {
        "templates/a.yaml": TEMPLATE,
        "values.yaml": "parts: [{zone: b}]",
        "values.schema.json": json.dumps(schema),
    }
    bundle = make_bundle(tmp_path, files)
    operator.install(bundle)
    operator.upgrade(bundle, **{"parts[0].size": "2"})
    with pytest.raises(ImmutableFieldError) as raised:
        operator.upgrade(bundle, **{"parts[0].zone": "c"})
    assert raised.value.context[0].startswith('parts[0].zone: "b" is recorded')
