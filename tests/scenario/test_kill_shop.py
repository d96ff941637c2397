"""Death after each kind of write of install and upgrade of the whole shop, on the sandbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from bundler.model.cluster import ListQuery
from bundler.model.labels import RELEASE_UID
from bundler.sandbox.client import SandboxClient
from tests.lib.clocks import FakeClock
from tests.lib.dying import DeathError, DyingCluster, deaths_of_each_kind
from tests.lib.operator import Operator
from tests.lib.sandboxes import closed_when_dropped
from tests.lib.sweep import SUPERSEDED, check_truth

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bundler.actions.release.lifecycle import ChangeResult

pytestmark = pytest.mark.slow

NOBODY = 4_194_305
"""One more than any process id can be: the process that held the lock is gone."""
NAMESPACE = "prod"
OLD = {"qps": "1000"}
NEW = {"qps": "4000", "web__settings__GREETING": "hello", "cache__enabled": "false", "web__migration__sql": "SELECT 2;"}
KINDS = (
    ("", "ConfigMap"),
    ("", "Secret"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("batch", "Job"),
    ("networking.k8s.io", "Ingress"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("policy", "PodDisruptionBudget"),
)


@dataclass
class Stage:
    """A sandbox kept in a file, so that each death starts from the same state."""

    path: Path | None
    clock: FakeClock
    client: SandboxClient

    @classmethod
    def open(cls, path: Path | None = None) -> Stage:
        clock = FakeClock()
        return cls(path, clock, closed_when_dropped(SandboxClient.open(path, clock)))

    def operator(self, cluster: object = None, **fields: object) -> Operator:
        return Operator(cluster or self.client, NAMESPACE, clock=self.clock, timeout_s=600, **fields)  # type: ignore[arg-type]

    def items(self, group: str, kind: str) -> dict[str, dict]:
        found = self.client.list(ListQuery(group=group, kind=kind, namespace=NAMESPACE)).items
        return {body["metadata"]["name"]: body for body in found}  # type: ignore[index, call-overload, misc]

    def objects(self) -> set[str]:
        """Return what a person would see: no records, nothing that controllers made."""
        found = {f"{kind}/{name}": body for group, kind in KINDS for name, body in self.items(group, kind).items()}
        ours = {ref: body["metadata"].get("labels", {}) for ref, body in found.items()}
        return {ref for ref, labels in ours.items() if RELEASE_UID in labels and "bundler.dev/record" not in labels}

    def passwords(self) -> dict[str, str]:
        secrets = self.items("", "Secret")
        return {name: secrets[name]["data"]["password"] for name in ("shop-db", "shop-cache") if name in secrets}


def make_change(operator: Operator, sets: Mapping[str, str]) -> ChangeResult:
    return operator.install("shop", **sets)


def die(stage: Stage, sets: Mapping[str, str], number: int, is_after: bool) -> bool:
    """Run until death; False where the run ended before that write."""
    cluster = DyingCluster(stage.client, number=number, is_after=is_after)
    try:
        make_change(stage.operator(cluster, pid=NOBODY), sets)
    except DeathError:
        assert cluster.is_dead
        return True
    assert not cluster.is_dead, "someone caught death"
    return False


def check_whole(stage: Stage, *, first: str = "") -> None:
    operator = stage.operator()
    check_truth(operator.statuses(), first=first)
    assert [summary.revision for summary in operator.history()] == list(range(1, len(operator.history()) + 1))
    for kind in ("Deployment", "StatefulSet"):
        for name, body in stage.items("apps", kind).items():
            assert body["status"].get("readyReplicas") == body["spec"]["replicas"], name
    jobs = stage.items("batch", "Job")
    assert [job["status"].get("succeeded") for job in jobs.values()] == [1], sorted(jobs)


def repeat(stage: Stage, sets: Mapping[str, str], objects: set[str], *, first: str = "") -> None:
    """The same command in a new process; then all is there that an undisturbed run makes, and no more."""
    before = stage.passwords()
    result = make_change(stage.operator(), sets)
    if result.revision is not None:
        assert stage.items("coordination.k8s.io", "Lease") == {}, "the lock was not released"
    check_whole(stage, first=first)
    after = stage.passwords()
    assert after.items() >= before.items(), "another password"
    assert stage.objects() == objects


def count_writes(stage: Stage, sets: Mapping[str, str]) -> list[tuple[str, str]]:
    cluster = DyingCluster(stage.client)
    make_change(stage.operator(cluster), sets)
    return cluster.writes


def test_the_shop_survives_a_death_at_each_kind_of_write_of_its_install() -> None:
    stage = Stage.open()
    writes = count_writes(stage, OLD)
    objects = stage.objects()
    assert len(objects) == 28
    assert len(writes) >= 28 + 6  # the objects; namespace, lease twice, pack, head twice
    assert {"Namespace", "Lease", "StatefulSet", "Job", "HorizontalPodAutoscaler"} <= {kind for _, kind in writes}
    for number, is_after in deaths_of_each_kind(writes):
        stage = Stage.open()
        assert die(stage, OLD, number, is_after), (number, is_after)
        repeat(stage, OLD, objects)
        assert set(stage.passwords()) == {"shop-db", "shop-cache"}


def test_the_shop_survives_a_death_at_each_kind_of_write_of_an_upgrade(tmp_path: Path) -> None:
    stage = Stage.open(tmp_path / "installed.db")
    make_change(stage.operator(), OLD)
    secrets = stage.passwords()
    stage.client.close()
    installed = (tmp_path / "installed.db").read_bytes()

    def fresh() -> Stage:
        path = tmp_path / "now.db"
        path.write_bytes(installed)
        return Stage.open(path)

    stage = fresh()
    writes = count_writes(stage, NEW)
    objects = stage.objects()
    stage.client.close()
    assert {("delete", "StatefulSet"), ("delete", "Job"), ("apply", "Job"), ("apply", "Deployment")} <= set(writes)
    for number, is_after in deaths_of_each_kind(writes):
        stage = fresh()
        assert die(stage, NEW, number, is_after), (number, is_after)
        repeat(stage, NEW, objects, first=SUPERSEDED)
        assert stage.passwords() == secrets
        assert "shop-cache" not in stage.items("apps", "StatefulSet")
        stage.client.close()
