"""Upgrades in steps: what the pods do, what the record says, and what ends a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.rollout import RolloutRequest, RolloutState, Share
from tests.lib.stepped_worlds import images, shop

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.actions.release.lifecycle import ChangeResult
    from tests.lib.operator import Operator
    from tests.scenario.conftest import World


def steps(*shares: str, **more: object) -> RolloutRequest:
    return RolloutRequest(steps=tuple(map(Share.parse, shares)), **more)  # type: ignore[arg-type]


def upgrade(operator: Operator, bundle: Path, asked: RolloutRequest, **sets: str) -> ChangeResult:
    return operator.upgrade(bundle, request={"steps": asked}, **{"image": "docker.io/library/web:2", **sets})


def pods(world: World, app: str = "shop-web") -> dict[str, int]:
    return images(world.cluster, world.operator.namespace, app)


def test_a_canary_brings_its_pods_and_pauses(world: World, tmp_path: Path) -> None:
    bundle = shop(tmp_path)
    world.operator.install(bundle)
    result = upgrade(world.operator, bundle, steps("25%", pause_after="canary"))
    assert result.is_paused
    assert pods(world) == {"web:1": 4, "web:2": 1}
    assert world.operator.statuses() == ["deployed", "pending-upgrade"]
    rollout = world.operator.history()[-1].rollout
    assert rollout is not None
    assert (rollout.state, rollout.step, rollout.steps, rollout.is_done) == (RolloutState.PAUSED, 1, 2, True)


def test_steps_without_a_pause_end_with_the_rendered_workload(world: World, tmp_path: Path) -> None:
    bundle = shop(tmp_path, "Deployment", "StatefulSet")
    world.operator.install(bundle)
    result = upgrade(world.operator, bundle, steps("25%", "50%", "100%"))
    assert not result.is_paused
    assert (pods(world), pods(world, "shop-db")) == ({"web:2": 4}, {"web:2": 4})
    assert world.operator.statuses() == ["superseded", "deployed"]
    assert world.operator.history()[-1].rollout is None
    web, db = world.get("Deployment", "shop-web", "apps"), world.get("StatefulSet", "shop-db", "apps")
    assert web is not None
    assert db is not None
    assert web["spec"].get("minReadySeconds", 0) == 0
    assert web["spec"]["progressDeadlineSeconds"] == 600
    assert db["spec"]["updateStrategy"]["rollingUpdate"]["partition"] == 0
