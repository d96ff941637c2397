"""What must be there before something else is written: an operator before its webhook, a Role before its binding."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from bundler.errors.change import ObjectFailedError
from bundler.model.events import PhaseStarted
from bundler.model.refs import ObjectRef
from tests.lib.bundles import make_bundle
from tests.lib.faulty import FaultyCluster
from tests.lib.judged import ADMISSION, CONFIGURATION, judged_bundle
from tests.lib.widgets import ACCESS

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.cluster import Answer, Payload
    from bundler.ports import ClusterClient
    from tests.scenario.conftest import World

GROUP = "widgets.example"


def test_a_webhook_is_not_configured_before_its_workload_is_ready(sandbox_world: World, tmp_path: Path):
    world = sandbox_world
    world.operator.install(judged_bundle(tmp_path / "without", GROUP), "op", replicas="0")
    world.cluster.delete(ObjectRef(ADMISSION, CONFIGURATION, "", GROUP))
    world.cluster.fail("Deployment", "operator", "ImagePullBackOff", world.operator.namespace)  # type: ignore[attr-defined]
    with pytest.raises(ObjectFailedError):
        world.operator.upgrade(judged_bundle(tmp_path / "with", GROUP), "op", replicas="1")
    assert world.get("Deployment", "operator", "apps")["spec"]["replicas"] == 1
    assert world.cluster.get(ObjectRef(ADMISSION, CONFIGURATION, "", GROUP)) is None
    assert not any(event.name == "pruning" for event in world.operator.events if isinstance(event, PhaseStarted))


class SlowRoles(FaultyCluster):
    """Takes its time for each Role, and notes what was written when it is."""

    def __init__(self, cluster: ClusterClient) -> None:
        super().__init__(cluster)
        self.written: list[str] = []
        self._noting = threading.Lock()

    def apply(self, payload: Payload, *, is_dry_run: bool = False, is_forced: bool = False) -> Answer:
        if payload.ref.kind == "Role" and not is_dry_run:
            time.sleep(0.05)
        answer = super().apply(payload, is_dry_run=is_dry_run, is_forced=is_forced)
        if not is_dry_run:
            with self._noting:
                self.written.append(payload.ref.kind)
        return answer


def test_a_binding_is_sent_after_the_answer_to_its_role(sandbox_world: World, tmp_path: Path):
    world = sandbox_world
    world.operator.cluster = cluster = SlowRoles(world.cluster)
    world.operator.install(make_bundle(tmp_path, {"templates/access.yaml": ACCESS}, name="access"))
    assert cluster.written.index("Role") < cluster.written.index("RoleBinding")


def named(name: str) -> str:
    return f"""
    apiVersion: v1
    kind: ConfigMap
    metadata: {{name: {name}}}
    """


DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: db}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "{{ values.image }}"}]}
"""


def layered(parent: Path) -> Path:
    """Write a bundle whose own objects come after its component, and those of that after its own: db, web, shop."""
    part = {"name": "web", "bundle": "./web"}
    shop = make_bundle(parent, {"templates/a.yaml": named("shop")}, name="shop", components=[part], needs=["web"])
    parts = [{"name": "db", "bundle": "./db"}, {"name": "side", "bundle": "./side"}]
    web = make_bundle(shop, {"templates/a.yaml": named("web")}, name="web", components=parts, needs=["db", "side"])
    image = "docker.io/library/db:1"
    make_bundle(web, {"templates/a.yaml": DEPLOYMENT, "values.yaml": f"image: {image}\n"}, name="db")
    make_bundle(web, {"templates/a.yaml": named("side")}, name="side")
    return shop


def written(world: World, verb: str) -> list[str]:
    names = ("db", "side", "web", "shop")
    calls = world.operator.cluster.calls  # type: ignore[attr-defined]
    return [one.ref.name for one in calls if one.verb == verb and one.ref.name in names and one.ref.kind != "Lease"]


def test_a_bundles_own_objects_come_after_the_components_that_it_needs_and_go_before_them(
    world: World, tmp_path: Path
) -> None:
    bundle = layered(tmp_path)
    world.operator.cluster = FaultyCluster(world.cluster)
    planned = [change.ref.name for change in world.operator.install(bundle).proposal.plan.changes]
    assert planned == ["db", "side", "web", "shop"]
    applied = written(world, "apply")
    assert sorted(applied[:2]) == ["db", "side"]
    assert applied[2:] == ["web", "shop"]
    world.operator.uninstall()
    deleted = written(world, "delete")
    assert deleted[:2] == ["shop", "web"]
    assert sorted(deleted[2:]) == ["db", "side"]


def test_a_bundles_own_objects_wait_for_a_component_that_is_not_ready(sandbox_world: World, tmp_path: Path) -> None:
    world = sandbox_world
    world.cluster.fail("Deployment", "db", "ImagePullBackOff", world.operator.namespace)  # type: ignore[attr-defined]
    with pytest.raises(ObjectFailedError):
        world.operator.install(layered(tmp_path))
    assert (world.get("ConfigMap", "web"), world.get("ConfigMap", "shop")) == (None, None)
    assert world.get("ConfigMap", "side") is not None


def test_without_needs_a_bundles_own_objects_come_beside_its_components(sandbox_world: World, tmp_path: Path) -> None:
    world = sandbox_world
    bundle = layered(tmp_path)
    text = (bundle / "bundle.yaml").read_text()
    (bundle / "bundle.yaml").write_text(text.replace("needs:", "# needs:").replace("\n  - web", "\n#  - web"))
    world.cluster.fail("Deployment", "db", "ImagePullBackOff", world.operator.namespace)  # type: ignore[attr-defined]
    with pytest.raises(ObjectFailedError):
        world.operator.install(bundle)
    assert world.get("ConfigMap", "shop") is not None
