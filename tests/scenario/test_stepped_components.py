"""Components that go in steps together, beside some that go whole, and one that needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.rollout.abort import AbortRequest, abort_rollout
from bundler.actions.rollout.resume import ContinueRequest, continue_rollout
from bundler.errors.change import ObjectFailedError
from bundler.model.rollout import OnFailure, RolloutRequest, RolloutState, Share
from tests.lib.bundles import make_bundle
from tests.lib.stepped_worlds import images
from tests.scenario.conftest import FAILING_IN_MEMORY, IN_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World

pytestmark = pytest.mark.slow

KINDS = {"db": "StatefulSet", "api": "Deployment", "log": "Deployment", "ui": "Deployment"}
NEEDS = {"api": ["db"], "ui": ["api"]}
OLD, NEW = {"web:1": 4}, {"web:2": 4}
VALUES = "{version: 1, image: docker.io/library/web}"
PART = """
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ release.name }}-{{ component.name }}-{{ values.version }}"}
data: {a: b}
---
apiVersion: apps/v1
kind: KIND
metadata: {name: "{{ release.name }}-{{ component.name }}"}
spec:
  replicas: 4
  selector: {matchLabels: {app: "{{ release.name }}-{{ component.name }}"}}
  template:
    metadata: {labels: {app: "{{ release.name }}-{{ component.name }}"}}
    spec:
      containers:
        - name: main
          image: "{{ values.image }}:{{ values.version }}"
          envFrom: [{configMapRef: {name: "{{ release.name }}-{{ component.name }}-{{ values.version }}"}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: "{{ release.name }}-{{ component.name }}"}
spec:
  minAvailable: {{ values.version }}
  selector: {matchLabels: {app: "{{ release.name }}-{{ component.name }}"}}
"""


def shop(parent: Path) -> Path:
    components = [{"name": name, "bundle": f"./{name}", "needs": NEEDS.get(name, [])} for name in KINDS]
    root = make_bundle(parent, name="shop", components=components)  # type: ignore[arg-type]
    for name, kind in KINDS.items():
        make_bundle(root, {"templates/a.yaml": PART.replace("KIND", kind), "values.yaml": VALUES}, name=name)
    return root


def pods(world: World) -> dict[str, dict[str, int]]:
    return {name: images(world.cluster, world.operator.namespace, f"shop-{name}") for name in KINDS}


def settings(world: World) -> set[str]:
    return {name.removeprefix("shop-") for name in world.bodies("ConfigMap") if name.startswith("shop-")}


def budgets(world: World) -> dict[str, object]:
    found = world.bodies("PodDisruptionBudget", "policy")
    return {name.removeprefix("shop-"): body["spec"]["minAvailable"] for name, body in found.items()}


@pytest.fixture
def paused(world: World, tmp_path: Path) -> World:
    """A release of which two components have their first new pods."""
    bundle = shop(tmp_path)
    world.operator.install(bundle)
    asked = RolloutRequest(steps=(Share(1), Share(50, is_percent=True)), of=("db", "api"), pause_after="canary")
    result = world.operator.upgrade(bundle, request={"steps": asked}, **{f"{name}__version": "2" for name in KINDS})
    assert result.is_paused
    return world


@IN_MEMORY
def test_what_goes_whole_is_new_before_the_first_step_and_what_waits_for_the_finish_is_not(paused: World) -> None:
    assert pods(paused) == {"db": {"web:1": 3, "web:2": 1}, "api": {"web:1": 4, "web:2": 1}, "log": NEW, "ui": OLD}
    assert settings(paused) == {"db-1", "db-2", "api-1", "api-2", "log-1", "log-2", "ui-1"}
    assert budgets(paused) == {"db": 1, "api": 1, "log": 2, "ui": 1}


def test_the_finish_brings_the_rest_and_deletes_what_is_no_longer_wanted(paused: World) -> None:
    operator = paused.operator
    request = ContinueRequest(release="shop", namespace=operator.namespace)
    continue_rollout(request, operator.ports(), RunOptions(fail_fast=operator.fail_fast), lambda _proposal: True)
    assert pods(paused) == dict.fromkeys(KINDS, NEW)
    assert settings(paused) == {f"{name}-2" for name in KINDS}
    assert budgets(paused) == dict.fromkeys(KINDS, 2)
    assert operator.statuses() == ["superseded", "deployed"]


def test_an_abort_brings_all_of_them_back_and_leaves_old_pods_of_the_stepped_ones_alone(paused: World) -> None:
    operator = paused.operator

    def old_pods() -> dict[str, str]:
        return {
            name: body["metadata"]["uid"]
            for name, body in paused.bodies("Pod").items()
            if body["spec"]["containers"][0]["image"].endswith("web:1")
        }

    before = {name: uid for name, uid in old_pods().items() if name.startswith(("shop-db", "shop-api", "shop-ui"))}
    request = AbortRequest(release="shop", namespace=operator.namespace)
    abort_rollout(request, operator.ports(), RunOptions(fail_fast=operator.fail_fast), lambda _proposal: True)
    assert pods(paused) == dict.fromkeys(KINDS, OLD)
    assert settings(paused) == {f"{name}-1" for name in KINDS}
    assert budgets(paused) == dict.fromkeys(KINDS, 1)
    assert operator.statuses() == ["deployed", "failed"]
    assert before.items() <= old_pods().items()


@FAILING_IN_MEMORY
def test_steps_begin_only_when_what_goes_whole_is_ready_even_of_a_run_that_does_not_wait(
    failing_world: World, tmp_path: Path
) -> None:
    operator, bundle = failing_world.operator, shop(tmp_path)
    operator.install(bundle)
    asked = RolloutRequest(steps=(Share(1),), of=("api",), on_failure=OnFailure.PAUSE)
    broken = {"log__image": "docker.io/library/broken", "log__version": "2", "api__version": "2"}
    with pytest.raises(ObjectFailedError):
        operator.upgrade(bundle, request={"steps": asked}, options=RunOptions(waits=False), **broken)
    assert pods(failing_world)["api"] == OLD
    newest = operator.history()[-1]
    assert newest.rollout is not None
    assert (newest.rollout.step, newest.rollout.state) == (1, RolloutState.PAUSED)
