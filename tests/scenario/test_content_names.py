"""Objects that carry their content in their name: each revision has its own, and none is read that is gone."""

from __future__ import annotations

from base64 import b64decode
from itertools import groupby
from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.rollout.abort import AbortRequest, abort_rollout
from bundler.actions.rollout.resume import ContinueRequest, continue_rollout
from bundler.expressions.content_names import digest_name
from bundler.fields.pod_references import read_by
from bundler.model.change import Action
from bundler.model.events import ChangeFinished
from bundler.model.refs import ObjectRef
from bundler.model.rollout import RolloutRequest, Share
from bundler.planning.diff import object_diff
from bundler.planning.replaced import with_replaced
from tests.lib.bundles import make_bundle
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.scenario.conftest import World

CONFIG = """
{% set settings = {'COLOUR': values.colour} %}
{% set logins = {'token': values.token} %}
{% set settings_name = digest_name('app-settings', settings) %}
{% set logins_name = digest_name('app-logins', logins, secret=true) %}
"""
APP = """
{% from '_config.yaml' import settings, settings_name, logins, logins_name with context %}
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ settings_name }}}
data: {{ settings | to_yaml }}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ logins_name }}}
stringData: {{ logins | to_yaml }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 2
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
        - name: app
          image: docker.io/library/web:1
          envFrom: [{configMapRef: {name: {{ settings_name }}}}, {secretRef: {name: {{ logins_name }}}}]
"""
VALUES = "colour: red\ntoken: first-long-secret\n"


@pytest.fixture
def menu(tmp_path: Path) -> Path:
    files = {"templates/_config.yaml": CONFIG, "templates/app.yaml": APP, "values.yaml": VALUES}
    return make_bundle(tmp_path / "app", files, name="app")


def content_of(world: World) -> dict[str, dict[str, str]]:
    """Return the data of the release's ConfigMaps and Secrets, decoded."""
    maps = {name: body["data"] for name, body in world.bodies("ConfigMap").items() if name.startswith("app-")}
    secrets = {name: body["data"] for name, body in world.bodies("Secret").items() if name.startswith("app-")}
    return {**maps, **{name: {k: b64decode(v).decode() for k, v in data.items()} for name, data in secrets.items()}}


def read_by_pods(world: World) -> set[str]:
    """Return what the pods of the release read that are not being deleted."""
    pods = [body for body in world.bodies("Pod").values() if "deletionTimestamp" not in body["metadata"]]
    assert pods
    return {name for body in pods for kind, name in read_by(body["spec"]) if kind in {"ConfigMap", "Secret"}} - {
        "kube-root-ca.crt"
    }


def test_each_revision_has_its_own_and_a_rollback_brings_the_old_one_back_before_its_pods(
    world: World, menu: Path
) -> None:
    operator = world.operator
    operator.install(menu, release="app")
    first = content_of(world)
    assert sorted(map(str, first.values())) == ["{'COLOUR': 'red'}", "{'token': 'first-long-secret'}"]
    assert read_by_pods(world) == set(first)

    operator.events.clear()
    operator.upgrade(menu, release="app", colour="blue", token="second-long-secret")
    second = content_of(world)
    assert sorted(map(str, second.values())) == ["{'COLOUR': 'blue'}", "{'token': 'second-long-secret'}"]
    assert set(first).isdisjoint(second), "the old ones are gone at the end of the upgrade"
    assert read_by_pods(world) == set(second)
    assert order_of(world) == [
        *[("create", name) for name in sorted(second)],
        ("update", "app"),
        *[("delete", name) for name in sorted(first)],
    ]

    operator.events.clear()
    operator.rollback("app")
    assert content_of(world) == first
    assert read_by_pods(world) == set(first)
    assert order_of(world) == [
        *[("create", name) for name in sorted(first)],
        ("update", "app"),
        *[("delete", name) for name in sorted(second)],
    ]


def order_of(world: World) -> list[tuple[str, str]]:
    """Return what was done to which object, in the order of stages, and by name in each."""
    done = [event for event in world.operator.events if isinstance(event, ChangeFinished)]
    steps = [(str(event.action), event.ref.name) for event in done]
    return [step for _, group in groupby(steps, key=lambda step: step[0]) for step in sorted(group)]


# --- in the middle of an upgrade in steps ----------------------------------------------------------------------------


@pytest.fixture
def canary(world: World, menu: Path) -> World:
    """A release with a new pod beside the old ones, waiting for someone."""
    world.operator.install(menu, release="app")
    steps = RolloutRequest(steps=(Share.parse("50%"),), pause_after="canary")
    asked = {"steps": steps}
    assert world.operator.upgrade(
        menu, release="app", request=asked, colour="blue", token="second-long-secret"
    ).is_paused
    return world


def settings_of_pods(world: World) -> dict[str, str]:
    """Return the colour that each pod reads which is not being deleted."""
    content = content_of(world)
    pods = {name: body for name, body in world.bodies("Pod").items() if "deletionTimestamp" not in body["metadata"]}
    read = {name: [one for kind, one in read_by(body["spec"]) if kind == "ConfigMap"] for name, body in pods.items()}
    return {name: next(content[one]["COLOUR"] for one in names if one in content) for name, names in read.items()}


def test_an_old_pod_that_ends_in_the_middle_of_a_canary_comes_back_with_the_old_settings(canary: World) -> None:
    before = settings_of_pods(canary)
    assert sorted(before.values()) == ["blue", "red", "red"]
    victim = next(name for name, colour in before.items() if colour == "red")
    canary.cluster.delete(ObjectRef("", "Pod", canary.operator.namespace, victim))
    after = until(canary, lambda found: len(found) == 3 and victim not in found)
    assert sorted(after.values()) == ["blue", "red", "red"]


@IN_MEMORY
def test_a_canary_that_continues_leaves_the_new_content_alone(canary: World) -> None:
    request = ContinueRequest(release="app", namespace=canary.operator.namespace)
    options = RunOptions(fail_fast=canary.operator.fail_fast)
    continue_rollout(request, canary.operator.ports(), options, lambda _proposal: True)
    assert sorted(map(str, content_of(canary).values())) == ["{'COLOUR': 'blue'}", "{'token': 'second-long-secret'}"]
    assert set(settings_of_pods(canary).values()) == {"blue"}


@IN_MEMORY
def test_a_canary_that_is_aborted_leaves_the_old_content_alone(canary: World) -> None:
    options = RunOptions(fail_fast=canary.operator.fail_fast)
    request = AbortRequest(release="app", namespace=canary.operator.namespace)
    abort_rollout(request, canary.operator.ports(), options, lambda _proposal: True)
    assert set(settings_of_pods(canary).values()) == {"red"}
    assert sorted(map(str, content_of(canary).values())) == ["{'COLOUR': 'red'}", "{'token': 'first-long-secret'}"]


def until(world: World, is_done: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """Look until the pods are as wanted."""
    end = world.operator.clock.monotonic() + 120
    while not is_done(found := settings_of_pods(world)):
        assert world.operator.clock.monotonic() < end, found
        world.operator.clock.sleep(0.1)
    return found


# --- what a plan shows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", ["sandbox"], indirect=True)
def test_a_plan_shows_another_content_as_one_change_with_its_difference(world: World, menu: Path) -> None:
    world.operator.install(menu, release="app")
    plan = world.operator.diff(menu, release="app", colour="blue", token="second-long-secret").plan
    assert plan.count(Action.CREATE) == plan.count(Action.DELETE) == 2
    shown = {one.ref.kind: one for one in with_replaced(plan.changes) if one.ref.kind in {"ConfigMap", "Secret"}}
    assert {one.action for one in shown.values()} == {Action.UPDATE}
    old, new = (digest_name("app-settings", {"COLOUR": colour}) for colour in ("red", "blue"))
    assert shown["ConfigMap"].ref.name == new
    assert shown["ConfigMap"].reason == f"its content changed: it takes the place of ConfigMap/{old}"
    changed = {line for line in object_diff(shown["ConfigMap"]).lines if line[:1] in "+-"}
    assert changed == {f"-  name: {old}", f"+  name: {new}", "-  COLOUR: red", "+  COLOUR: blue"}
    secret = "\n".join(object_diff(shown["Secret"]).lines)
    assert "bytes, changed" in secret
    assert "long-secret" not in secret
