"""Several components go in steps together, forth and back; two operators at once."""

from __future__ import annotations

from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.rollout.resume import ContinueRequest, continue_rollout
from bundler.concurrency import map_parallel
from bundler.errors import BundlerError
from bundler.errors.change import RolledBackError
from bundler.model.events import PodsReplaced
from bundler.model.rollout import RolloutRequest, Share
from tests.lib.bundles import make_bundle
from tests.lib.stepped_worlds import images
from tests.scenario.conftest import IN_MEMORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lib.operator import Operator
    from tests.scenario.conftest import World

PARTS = ("api", "mail", "web")
PART = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ release.name }}-{{ component.name }}"}
spec:
  replicas: 4
  selector: {matchLabels: {app: "{{ release.name }}-{{ component.name }}"}}
  template:
    metadata: {labels: {app: "{{ release.name }}-{{ component.name }}"}}
    spec: {containers: [{name: main, image: "{{ values.image }}"}]}
"""
HALVES = RolloutRequest(steps=(Share(50, is_percent=True), Share(100, is_percent=True)))
NEW = {f"{name}__image": "docker.io/library/web:2" for name in PARTS}


def shop(parent: Path) -> Path:
    components = [{"name": name, "bundle": f"./{name}"} for name in PARTS]
    root = make_bundle(parent, name="shop", components=components)  # type: ignore[arg-type]
    for name in PARTS:
        make_bundle(root, {"templates/a.yaml": PART, "values.yaml": "image: docker.io/library/web:1\n"}, name=name)
    return root


def pods(world: World) -> dict[str, dict[str, int]]:
    return {name: images(world.cluster, world.operator.namespace, f"shop-{name}") for name in PARTS}


def uids(world: World) -> set[str]:
    return {body["metadata"]["uid"] for body in world.bodies("Pod").values()}


@IN_MEMORY
def test_a_step_moves_all_components_to_their_share(world: World, tmp_path: Path) -> None:
    bundle = shop(tmp_path)
    world.operator.install(bundle)
    asked = RolloutRequest(steps=HALVES.steps, pause_after="1")
    assert world.operator.upgrade(bundle, request={"steps": asked}, **NEW).is_paused
    assert all(found["web:2"] == 2 for found in pods(world).values())
    first = [event.component for event in world.operator.events if isinstance(event, PodsReplaced) and event.new]
    assert set(first[:6]) == set(PARTS), "they move together"


@pytest.mark.slow
def test_all_components_go_back_when_one_of_them_fails_and_no_old_pod_is_lost(
    failing_world: World, tmp_path: Path
) -> None:
    world, bundle = failing_world, shop(tmp_path)
    world.operator.install(bundle)
    before = uids(world)
    quarter = RolloutRequest(steps=(Share(25, is_percent=True), Share(100, is_percent=True)))
    changed = {**NEW, "mail__image": "docker.io/library/broken:1"}
    with pytest.raises(RolledBackError) as raised:
        world.operator.upgrade(bundle, request={"steps": quarter}, **changed)
    assert any("Deployment/shop-mail" in line for line in raised.value.context)
    assert pods(world) == {key: {"web:1": 4} for key in PARTS}
    assert before <= uids(world), "pods of the deployed revision were never touched"
    assert world.operator.statuses() == ["deployed", "failed"]


def test_of_two_operators_who_continue_at_once_one_is_refused(world: World, tmp_path: Path) -> None:
    bundle, ready = shop(tmp_path), Barrier(2)
    world.operator.install(bundle)
    asked = RolloutRequest(steps=HALVES.steps, pause_after="1")
    world.operator.upgrade(bundle, request={"steps": asked}, **NEW)

    def go_on(operator: Operator) -> str:
        request = ContinueRequest(release="shop", namespace=operator.namespace)

        def approve(_proposal: object) -> bool:
            ready.wait(60)
            return True

        try:
            continue_rollout(request, operator.ports(), RunOptions(), approve)
        except BundlerError as error:
            return error.code
        return "done"

    outcomes = map_parallel(go_on, [world.operator, world.another_operator()])
    assert sorted(outcomes) == ["done", "release-locked"]
    assert pods(world) == {key: {"web:2": 4} for key in PARTS}
