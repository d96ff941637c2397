"""An autoscaler moves the number of pods while a rollout moves, soaks, waits and goes back: at random, many times."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.lifecycle import RunOptions
from bundler.actions.rollout.abort import AbortRequest, abort_rollout
from bundler.actions.rollout.resume import ContinueRequest, continue_rollout
from bundler.model.rollout import RolloutRequest, Share
from bundler.planning.pacing import pacing_of
from tests.lib.sandboxes import open_sandbox
from tests.lib.stepped_worlds import AlarmClock, images, shop
from tests.scenario.conftest import _sandbox_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World

AUTOSCALER = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: "{{ release.name }}-web"}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: "{{ release.name }}-web"}
  minReplicas: 2
  maxReplicas: 20
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]
"""
HALF = Share(50, is_percent=True)
STEPS = RolloutRequest(steps=(Share(25, is_percent=True), HALF), pause_after="each", soak_s=10)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = shop(tmp_path_factory.mktemp("autoscaled"))
    (root / "templates" / "scaler.yaml").write_text(AUTOSCALER)
    return root


def replicas(world: World) -> int:
    live = world.get("Deployment", "shop-web", "apps")
    assert live is not None
    return int(live["spec"]["replicas"])


def pods(world: World) -> dict[str, int]:
    return images(world.cluster, "prod")


def scale_soon(world: World, random: Random) -> None:
    """Let the autoscaler come several times within the next half minute."""
    assert isinstance(world.operator.clock, AlarmClock)
    for _ in range(random.randint(0, 4)):
        number = random.randint(2, 12)
        world.operator.clock.ring_in(random.uniform(0, 30), lambda number=number: world.scale_web(number))


def check_over(world: World, tag: str) -> None:
    world.operator.clock.sleep(30)
    assert pods(world) == {tag: replicas(world)}
    live = world.get("Deployment", "shop-web", "apps")
    assert live is not None
    assert pacing_of(live) is None


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_a_rollout_keeps_its_shares_whatever_an_autoscaler_does(bundle: Path, seed: int) -> None:
    random, clock = Random(seed), AlarmClock()
    world = _sandbox_world(bundle, clock, open_sandbox(clock))
    world.operator.install(bundle, replicas=str(random.randint(2, 12)))
    scale_soon(world, random)
    result = world.operator.upgrade(bundle, request={"steps": STEPS}, image="docker.io/library/web:2")
    for share in (STEPS.steps[0], HALF):
        assert result.is_paused
        clock.sleep(5)
        found, number = pods(world), replicas(world)
        assert 1 <= found["web:2"] <= share.pods(number) + 1, (found, number)
        assert sum(found.values()) >= number, (found, number)
        scale_soon(world, random)
        clock.sleep(random.uniform(0, 30))
        ports = world.operator.ports()
        if random.random() < 0.3:
            abort_rollout(AbortRequest(release="shop", namespace="prod"), ports, RunOptions(), lambda _: True)
            check_over(world, "web:1")
            break
        request = ContinueRequest(release="shop", namespace="prod")
        result = continue_rollout(request, ports, RunOptions(), lambda _: True)
    else:
        check_over(world, "web:2")
