"""An abort deletes the new pods of a StatefulSet that are not ready: it would wait for them forever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.rollout.abort import AbortRequest, abort_rollout, propose_abort
from bundler.errors.change import RolledBackError, StepFailedError
from bundler.model.change import Action
from bundler.model.rollout import OnFailure, RolloutRequest, Share
from tests.lib.stepped_worlds import images, shop

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World

BROKEN = "docker.io/library/broken:1"


def upgrade(world: World, bundle: Path, on_failure: OnFailure) -> None:
    asked = RolloutRequest(steps=(Share(1),), on_failure=on_failure)
    world.operator.upgrade(bundle, request={"steps": asked}, image=BROKEN)


def uids(world: World) -> dict[str, str]:
    return {name: body["metadata"]["uid"] for name, body in world.bodies("Pod").items()}


def test_a_step_of_a_stateful_set_that_fails_brings_back_the_pod_and_leaves_the_others(
    failing_world: World, tmp_path: Path
) -> None:
    world, bundle = failing_world, shop(tmp_path, "StatefulSet")
    world.operator.install(bundle)
    before = uids(world)
    with pytest.raises(RolledBackError):
        upgrade(world, bundle, OnFailure.ABORT)
    assert images(world.cluster, world.operator.namespace, "shop-db") == {"web:1": 4}
    assert world.operator.statuses() == ["deployed", "failed"]
    after = uids(world)
    assert [name for name in before if before[name] != after[name]] == ["shop-db-3"]


def test_the_plan_of_an_abort_names_the_pods_that_it_deletes(failing_world: World, tmp_path: Path) -> None:
    world, bundle = failing_world, shop(tmp_path, "StatefulSet")
    world.operator.install(bundle)
    with pytest.raises(StepFailedError):
        upgrade(world, bundle, OnFailure.PAUSE)
    request = AbortRequest(release="shop", namespace=world.operator.namespace)
    plan = propose_abort(request, world.operator.ports()).plan
    (pod,) = [change for change in plan.changes if change.action is Action.DELETE]
    assert (pod.ref.short, pod.reason) == ("Pod/shop-db-3", "new and not ready: StatefulSet/shop-db would wait for it")
    assert plan.count(Action.UPDATE) == 1
    abort_rollout(request, world.operator.ports(), RunOptions(), lambda _proposal: True)
    assert images(world.cluster, world.operator.namespace, "shop-db") == {"web:1": 4}


def test_an_abort_of_deployments_deletes_no_pods_and_one_of_healthy_pods_none_either(
    failing_world: World, tmp_path: Path
) -> None:
    world, bundle = failing_world, shop(tmp_path, "Deployment", "StatefulSet")
    world.operator.install(bundle)
    asked = RolloutRequest(steps=(Share(1),), pause_after="canary")
    world.operator.upgrade(bundle, request={"steps": asked}, image="docker.io/library/web:2")
    plan = propose_abort(AbortRequest(release="shop", namespace=world.operator.namespace), world.operator.ports()).plan
    assert [change.ref.kind for change in plan.changes if change.action is not Action.NONE] == [
        "Deployment",
        "StatefulSet",
    ]
