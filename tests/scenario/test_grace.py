"""What may never say that it is ready is waited for once, for a while, and not again while it stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bundler.actions.inspect.status import wait_for_release
from bundler.model.events import Warned
from tests.lib.bundles import make_bundle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenario.conftest import World

EDGE = """
apiVersion: v1
kind: Service
metadata: {name: edge}
spec:
  type: LoadBalancer
  selector: {app: edge}
  ports: [{port: 80}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: edge}
webhooks: []
---
apiVersion: v1
kind: ConfigMap
metadata: {name: edge}
data: {text: "{{ values.text }}"}
"""


@pytest.fixture
def menu(tmp_path: Path) -> Path:
    reach = {"clusterScoped": ["ValidatingWebhookConfiguration"], "grants": ["webhooks"]}
    files = {"values.yaml": "text: a\n", "templates/edge.yaml": EDGE}
    return make_bundle(tmp_path / "edge", files, name="edge", reach=reach)  # type: ignore[arg-type]


def took_s(world: World, do) -> float:
    began_s = world.operator.clock.monotonic()
    do()
    return world.operator.clock.monotonic() - began_s


def test_a_load_balancer_without_address_is_waited_for_once_and_warned_of_once_in_a_run(sandbox_world, menu) -> None:
    world = sandbox_world
    assert 60 <= took_s(world, lambda: world.operator.install(menu)) < 65
    warned = [event.text for event in world.operator.events if isinstance(event, Warned)]
    assert len([text for text in warned if text.startswith("Service/edge: no load balancer")]) == 1


def test_an_upgrade_does_not_wait_again_for_what_it_leaves_alone(sandbox_world, menu) -> None:
    world = sandbox_world
    world.operator.install(menu)
    assert took_s(world, lambda: world.operator.upgrade(menu, text="b")) < 10
    assert took_s(world, lambda: wait_for_release(world.operator.ports(), "prod", "shop")) < 10
