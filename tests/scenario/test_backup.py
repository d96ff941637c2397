"""A backup that a bundle asks for: made before data is lost and only then, and nothing is lost where it fails."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from bundler.actions.release.terms import Accepted
from bundler.actions.release.uninstall import UninstallRequest, propose_uninstall
from bundler.errors.bundle import BundleInvalidError, ManifestError
from bundler.errors.change import ObjectFailedError, RejectedObjectsError, RolledBackError, UndeclaredReachError
from bundler.model.cluster import Payload
from bundler.model.events import HealthChanged
from bundler.model.json import canonical_json
from bundler.model.labels import BACKUP
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from bundler.model.steps import Await, RunJob, Until
from bundler.syntax.reader import read_document
from tests.lib.bundles import make_bundle
from tests.lib.faulty import FaultyCluster
from tests.lib.templates import config_and_database

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.model.change import Plan
    from tests.scenario.conftest import World

STORE = config_and_database()
DUMP = """
apiVersion: batch/v1
kind: Job
metadata: {name: dump}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: dump, image: "docker.io/library/dump:1", env: [{name: WITH, value: {{ values.token | quote }}}]}]
"""
SCHEMA = """
{
  "type": "object",
  "properties": {"text": {}, "db": {"type": "boolean"}, "token": {"type": "string", "writeOnly": true}}
}
"""
VALUES = "text: one\ndb: true\ntoken: correct-horse-battery\n"


def store(folder: Path, backup: str = DUMP, **files: str) -> Path:
    content = {
        "templates/a.yaml": STORE,
        "templates/dump.yaml": backup,
        "values.yaml": VALUES,
        "values.schema.json": SCHEMA,
        **files,
    }
    return make_bundle(folder, content, name="store", upgrade={"backup": "templates/dump.yaml"})  # type: ignore[arg-type]


def backups(world: World) -> list[str]:
    return sorted(name for name, body in world.bodies("Job", "batch").items() if BACKUP in body["metadata"]["labels"])


def backed_up(plan: Plan) -> list[str]:
    return [step.target.ref.name for step in plan.steps if isinstance(step, RunJob)]


def test_what_loses_data_waits_for_the_backup_and_nothing_else_makes_one(world: World, tmp_path: Path) -> None:
    operator, bundle = world.operator, store(tmp_path)
    operator.install(bundle)
    operator.upgrade(bundle, text="two")
    assert backups(world) == []
    assert all(entry.ref.kind != "Job" for entry in operator.ports().store.load(operator.history()[-1]).inventory)

    proposal = operator.diff(bundle, db="false")
    (made,) = backed_up(proposal.plan)
    assert made.startswith("dump-r3-")
    steps = [step.id for step in proposal.plan.steps]
    assert steps[:4] == ["record:begun", "verify:backup", f"job:{proposal.plan.changes[0].ref}", "backup"]
    (waited,) = [step for step in proposal.plan.steps if isinstance(step, Await) and step.until is Until.SUCCEEDED]
    assert "backup" in next(step.needs for step in proposal.plan.steps if step.id == steps[4])
    assert waited.refs[0].name == made
    assert "before StatefulSet/db may lose data" in proposal.plan.changes[0].reason
    assert proposal.plan.changes[0].causes == (), "the reason says it"
    operator.upgrade(bundle, db="false")
    assert backups(world) == [made]

    operator.rollback()
    operator.upgrade(bundle, db="false", request={"accepted": Accepted(losses=True, no_backup=True)})
    assert backups(world) == [made], "on the way back nothing is lost, and --no-backup does without"
    operator.uninstall()
    assert backups(world) == [made], "backups outlive what they are of"


def test_a_rollback_that_loses_data_makes_the_backup_of_the_revision_that_is_left(
    sandbox_world: World, tmp_path: Path
) -> None:
    world, operator, bundle = sandbox_world, sandbox_world.operator, store(tmp_path)
    operator.install(bundle, db="false")
    operator.upgrade(bundle, db="true")
    operator.rollback()
    (made,) = backups(world)
    assert made.startswith("dump-r3-")
    (container,) = world.bodies("Job", "batch")[made]["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "WITH", "value": "correct-horse-battery"}], "a secret is sent, and no mask"
    recorded = operator.ports().store.load(operator.history()[-1])
    assert "correct-horse" not in str(recorded.backups)
    assert recorded.backups[0].is_backup


def test_a_backup_that_fails_stops_the_change_before_anything_is_lost(sandbox_world: World, tmp_path: Path) -> None:
    world, operator, bundle = sandbox_world, sandbox_world.operator, store(tmp_path)
    operator.install(bundle)
    (made,) = backed_up(operator.diff(bundle, db="false", text="two").plan)
    world.cluster.fail("Job", made, "JobFailed", operator.namespace)  # type: ignore[attr-defined]
    with pytest.raises(ObjectFailedError) as raised:
        operator.upgrade(bundle, db="false", text="two")
    assert made in str(raised.value.context)
    assert "`--no-backup` does without it" in raised.value.hint
    assert world.get("StatefulSet", "db", "apps") is not None
    assert world.get("ConfigMap", "cfg")["data"]["text"] == "one"  # type: ignore[index]
    assert operator.statuses() == ["deployed", "failed"]
    assert made in operator.ports().store.load(operator.history()[-1]).evidence
    operator.upgrade(bundle, db="false", text="two")
    assert world.get("StatefulSet", "db", "apps") is None
    assert len(backups(world)) == 2, "a run makes its own backup, whatever became of an earlier one"


def test_wherever_a_run_dies_nothing_is_lost_without_a_backup_that_succeeded(
    sandbox_world: World, tmp_path: Path
) -> None:
    world, operator, bundle = sandbox_world, sandbox_world.operator, store(tmp_path)
    operator.install(bundle)
    cluster = world.cluster
    for number in range(1, 40):
        operator.cluster = faulty = FaultyCluster(cluster)
        faulty.fail_at(number, after=KeyboardInterrupt())
        try:
            operator.upgrade(bundle, db="false")
        except KeyboardInterrupt:
            is_lost = world.get("StatefulSet", "db", "apps") is None
            done = [body for body in world.bodies("Job", "batch").values() if body["status"].get("succeeded")]
            assert done or not is_lost
            cluster.delete(ObjectRef("coordination.k8s.io", "Lease", operator.namespace, "bundler.shop"))
        else:
            break
    assert number > 5
    assert world.get("StatefulSet", "db", "apps") is None


def test_the_backup_of_what_is_switched_off_is_that_of_the_revision_which_had_it(
    sandbox_world: World, tmp_path: Path
) -> None:
    world, operator = sandbox_world, sandbox_world.operator
    operator.install(store(tmp_path / "one", f"{{% if values.db %}}{DUMP}{{% endif %}}"))
    bare = make_bundle(tmp_path / "two", {"values.yaml": "{}"}, name="store", version="2.0.0")
    operator.upgrade(bare, request={"resets_values": True})
    (made,) = backups(world)
    (container,) = world.bodies("Job", "batch")[made]["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "WITH", "value": "correct-horse-battery"}]
    assert all("correct-horse" not in str(proposal.plan.steps) for proposal in operator.shown)


SNAPSHOT = """
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshot
metadata: {name: disk}
spec: {source: {persistentVolumeClaimName: data-db-0}}
"""
SNAPSHOTS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: volumesnapshots.snapshot.storage.k8s.io
  annotations: {api-approved.kubernetes.io: "https://github.com/kubernetes-csi/external-snapshotter/pull/665"}
spec:
  group: snapshot.storage.k8s.io
  scope: Namespaced
  names: {kind: VolumeSnapshot, plural: volumesnapshots, singular: volumesnapshot, listKind: VolumeSnapshotList}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""


def test_a_snapshot_is_waited_for_until_it_can_be_restored_from(world: World, tmp_path: Path) -> None:
    operator = world.operator
    body = read_document(SNAPSHOTS).value
    ref = ObjectRef("apiextensions.k8s.io", "CustomResourceDefinition", "", body["metadata"]["name"])  # type: ignore[index, call-overload, arg-type]
    world.cluster.apply(Payload(ref=ref, api_version=body["apiVersion"], content=canonical_json(body)))  # type: ignore[index, call-overload, arg-type]
    ends = time.monotonic() + 120
    while world.cluster.resource_type("snapshot.storage.k8s.io", "VolumeSnapshot") is None:
        assert time.monotonic() < ends
        world.cluster.forget_discovery()
    bundle = store(tmp_path, SNAPSHOT)
    operator.install(bundle)
    seen: list[str] = []

    def finish(event: object) -> None:
        """What a snapshot controller does, when the run waits for it."""
        if isinstance(event, HealthChanged) and event.ref.kind == "VolumeSnapshot" and not seen:
            seen.append(event.ref.name)
            assert world.get("StatefulSet", "db", "apps") is not None
            world.edit(
                "VolumeSnapshot", event.ref.name, {"status": {"readyToUse": True}}, group="snapshot.storage.k8s.io"
            )

    ports = operator.ports
    operator.ports = lambda: replace(ports(), report=finish)  # type: ignore[method-assign]
    operator.upgrade(bundle, db="false")
    assert seen[0].startswith("disk-r2-")
    assert world.get("StatefulSet", "db", "apps") is None
    assert operator.history()[-1].description == f"backed up by VolumeSnapshot/{seen[0]}"
    world.cluster.delete(ref)


def test_an_uninstall_that_deletes_claims_backs_them_up_and_does_so_again_after_a_failure(
    sandbox_world: World, tmp_path: Path
) -> None:
    world, operator = sandbox_world, sandbox_world.operator
    claims = "  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}\n  serviceName: db"
    files = {"templates/a.yaml": STORE.replace("  serviceName: db", claims)}
    operator.install(store(tmp_path, **files))
    gone = UninstallRequest(release="shop", namespace=operator.namespace, accepted=Accepted(losses=True, removal=True))
    (made,) = backed_up(propose_uninstall(gone, operator.ports()).plan)
    world.cluster.fail("Job", made, "JobFailed", operator.namespace)  # type: ignore[attr-defined]
    with pytest.raises(ObjectFailedError):
        operator.uninstall()
    assert world.get("StatefulSet", "db", "apps") is not None
    operator.uninstall()
    assert operator.history() == ()
    assert len(backups(world)) == 2


def test_a_first_install_that_goes_back_by_itself_backs_up_nothing_that_it_made(
    sandbox_world: World, tmp_path: Path
) -> None:
    world, operator = sandbox_world, sandbox_world.operator
    claims = "  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}\n  serviceName: db"
    bundle = store(tmp_path, **{"templates/a.yaml": STORE.replace("  serviceName: db", claims)})
    world.cluster.fail("StatefulSet", "db", "ImagePullBackOff", operator.namespace)  # type: ignore[attr-defined]
    with pytest.raises(RolledBackError):
        operator.install(bundle, request={"rollback_s": 60.0})
    assert (world.get("StatefulSet", "db", "apps"), backups(world), operator.history()) == (None, [], ())


def test_what_can_be_no_backup_is_refused_where_it_is_written(sandbox_world: World, tmp_path: Path) -> None:
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: dump}\n"
    with pytest.raises(ManifestError) as raised:
        sandbox_world.operator.diff(store(tmp_path / "a", config))
    assert raised.value.context == ("templates/dump.yaml:1: ConfigMap/dump is no Job and no VolumeSnapshot",)
    bundle = make_bundle(tmp_path / "b", {}, upgrade={"backup": "backup.yaml"})
    with pytest.raises(BundleInvalidError) as invalid:
        sandbox_world.operator.diff(bundle)
    assert "bundle.yaml" in invalid.value.context[0]
    assert 'spec.upgrade.backup is "backup.yaml", which is not a template' in invalid.value.context[0]


def test_a_backup_that_the_server_refuses_is_found_when_the_change_is_planned(world: World, tmp_path: Path) -> None:
    bundle = store(tmp_path, DUMP.replace("backoffLimit: 0", "backoffLimit: -1"))
    world.operator.install(bundle)
    with pytest.raises(RejectedObjectsError) as raised:
        world.operator.diff(bundle, db="false")
    assert "backoffLimit" in raised.value.context[0]
    assert "templates/dump.yaml" in raised.value.context[0]


def test_what_a_backup_reaches_is_declared_like_everything_else(sandbox_world: World, tmp_path: Path) -> None:
    powerful = DUMP.replace("restartPolicy: Never", "restartPolicy: Never\n      hostNetwork: true")
    with pytest.raises(UndeclaredReachError) as raised:
        sandbox_world.operator.install(store(tmp_path, powerful))
    assert "Job/dump" in str(raised.value.context), "whether it will ever run is not known"
