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
