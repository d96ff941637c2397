"""A release is kept as its order says: on the sandbox in memory, and on the real API."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from bundler import Payload, ReleaseRequest, Session, SessionOptions, Values
from bundler.controller.changes import Outcome, Work
from bundler.controller.status import AttemptResult, Reason
from bundler.model.refs import ObjectRef
from tests.lib.bundles import bundle_yaml
from tests.lib.editing import edit_until_accepted
from tests.lib.faulty import FaultyCluster
from tests.lib.keeping import HeldChanges, Running, kept_at
from tests.lib.menus import GENERATE, small_bundle
from tests.lib.operator import RealClock

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.controller.accounts import Account
    from tests.lib.keeping import Kept
    from tests.scenario.conftest import World

RECORDS = "bundler.dev/record"


@pytest.fixture
def kept(failing_sandbox: World, tmp_path: Path) -> Kept:
    """A namespace of the sandbox with a bundle in a Secret, and a controller that counts what it writes."""
    return _kept(failing_sandbox, tmp_path)


@pytest.fixture
def anywhere(failing_world: World, tmp_path: Path) -> Kept:
    """The same on the sandbox, and on the real API."""
    return _kept(failing_world, tmp_path)


def _kept(world: World, scratch: Path) -> Kept:
    made = kept_at(FaultyCluster(world.cluster), world.operator.clock, world.operator.namespace, scratch)
    made.world = world
    made.cluster.apply(_namespace(made.namespace))
    made.publish(world.menu, "one")
    return made


def _namespace(name: str):
    return Payload.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, manager="kubectl")


def writes(kept: Kept) -> int:
    return len(kept.cluster.calls)  # type: ignore[attr-defined]


def test_an_order_is_installed_and_says_that_it_is_ready(kept: Kept) -> None:
    kept.order(values={"text": "hi"})
    status = kept.settle()
    assert status["phase"] == "Ready"
    assert status["conditions"]["Ready"]["status"] == "True"
    assert (status["revision"], status["bundle"]["name"], status["observedGeneration"]) == (1, "small", 1)
    assert kept.cluster.get(ObjectRef("", "ConfigMap", kept.namespace, "shop-config"))["data"] == {"text": "hi"}


def test_a_changed_order_is_upgraded(anywhere: Kept) -> None:
    anywhere.order()
    anywhere.settle()
    anywhere.order(values={"text": "later"})
    status = anywhere.settle()
    assert (status["phase"], status["revision"], status["observedGeneration"]) == ("Ready", 2, 2)
    summary = anywhere.session.history("shop")[-1]
    assert summary.inputs == status["inputs"]
    assert summary.bundle.origin == "secret://one"


@pytest.mark.slow
def test_a_quiet_release_is_looked_at_fifty_times_and_nothing_is_written(kept: Kept) -> None:
    kept.order()
    kept.settle()
    before = writes(kept)
    for _ in range(50):
        kept.clock.sleep(60.0)
        kept.look()
    assert writes(kept) == before


def test_a_new_controller_writes_nothing_about_a_quiet_release(kept: Kept) -> None:
    kept.order()
    kept.settle()
    before = writes(kept)
    kept.restart()
    kept.settle()
    assert writes(kept) == before


def test_a_release_of_the_command_line_is_taken_up_without_a_write_to_it(anywhere: Kept) -> None:
    anywhere.session.apply(
        ReleaseRequest(bundle=str(anywhere.world.menu), release="shop", values=Values(data={"text": "x"}))
    )
    before = writes(anywhere)
    anywhere.order(values={"text": "x"})
    status = anywhere.settle()
    written = [call.ref.kind for call in anywhere.cluster.calls[before:]]  # type: ignore[attr-defined]
    assert set(written) == {"Release"}
    assert (status["phase"], status["revision"]) == ("Ready", 1)


def test_what_fails_is_tried_once_and_rolled_back(anywhere: Kept) -> None:
    anywhere.order(onFailure="RollBack")
    anywhere.settle()
    anywhere.order(onFailure="RollBack", values={"job": "docker.io/library/failjob:1", "text": "new"})
    status = anywhere.settle()
    assert status["conditions"]["Stalled"]["reason"] == "FailedOnce"
    assert status["conditions"]["Ready"]["status"] == "True"
    assert status["conditions"]["Ready"]["message"].startswith("running 1.0.0, ordered 1.0.0")
    assert (status["lastAttempt"]["result"], status["revision"]) == ("RolledBack", 3)
    before = writes(anywhere)
    for _ in range(5):
        anywhere.clock.sleep(700.0 if anywhere.world.is_sandbox else 0.1)
        anywhere.look()
    anywhere.restart()
    anywhere.settle()
    assert writes(anywhere) == before
    assert len(anywhere.session.history("shop")) == 3


def test_what_failed_is_known_from_the_record_alone(kept: Kept) -> None:
    kept.order(timeout="8s", values={"image": "docker.io/library/broken:1"})
    kept.settle()
    ref = ObjectRef("bundler.dev", "Release", kept.namespace, "shop")
    edit_until_accepted(kept.cluster, ref, lambda body: {**body, "status": {}}, subresource="status")
    kept.restart()
    status = kept.settle()
    assert status["conditions"]["Stalled"]["reason"] == "FailedOnce"
    assert len(kept.session.history("shop")) == 1


def test_a_token_tries_again_what_failed(kept: Kept) -> None:
    kept.order(timeout="8s", values={"image": "docker.io/library/broken:1"})
    kept.settle()
    kept.order(
        timeout="8s",
        values={"image": "docker.io/library/broken:1"},
        annotations={"bundler.dev/retry": "once more"},
    )
    kept.settle()
    assert len(kept.session.history("shop")) == 2


def test_a_deleted_order_is_uninstalled(kept: Kept) -> None:
    key = kept.order()
    kept.settle()
    kept.cluster.delete(key)
    kept.settle()
    assert kept.cluster.get(key) is None
    assert "shop-web" not in kept.names("Deployment", "apps")


def test_an_orphan_stays(kept: Kept) -> None:
    key = kept.order(deletion="Orphan")
    kept.settle()
    kept.cluster.delete(key)
    kept.settle()
    assert kept.cluster.get(key) is None
    assert "shop-web" in kept.names("Deployment", "apps")
    assert kept.session.status("shop").is_ready


def test_a_suspended_order_changes_nothing_and_says_how_it_is(kept: Kept) -> None:
    kept.order()
    kept.settle()
    kept.order(suspend=True, values={"text": "later"})
    status = kept.settle()
    assert (status["phase"], status["revision"]) == ("Suspended", 1)
    assert status["conditions"]["Ready"]["status"] == "True"
    kept.order(suspend=False, values={"text": "later"})
    assert kept.settle()["revision"] == 2


def test_values_come_from_secrets_and_a_new_one_is_an_upgrade(kept: Kept) -> None:
    source = {"valuesFrom": [{"kind": "Secret", "name": "v"}]}
    kept.order(**source)
    status = kept.settle()
    assert (status["phase"], status["conditions"]["Stalled"]["reason"]) == ("Failed", "ValuesInvalid")
    kept.put("Secret", "v", stringData={"values.yaml": "token: hunter2\n"})
    assert kept.settle()["revision"] == 1
    kept.put("Secret", "v", stringData={"values.yaml": "token: other\n"})
    status = kept.settle()
    assert status["revision"] == 2
    assert "hunter2" not in str(status)


def test_orders_wait_for_those_that_they_depend_on(kept: Kept) -> None:
    kept.order(dependsOn=[{"name": "db"}])
    status = kept.settle()
    assert status["conditions"]["Reconciling"]["reason"] == "DependencyNotReady"
    kept.order("db")
    assert kept.settle("db")["phase"] == "Ready"
    assert kept.settle()["phase"] == "Ready"


def test_an_order_that_waits_for_one_that_is_missing_says_so(kept: Kept) -> None:
    kept.order(dependsOn=[{"name": "db"}])
    said = kept.settle()["conditions"]["Reconciling"]["message"]
    assert said == "waiting for Release/db (which does not exist) to be ready"


@pytest.mark.parametrize("others", [(), ("db",), ("db", "cache")])
def test_orders_that_wait_for_each_other_are_stalled_and_the_circle_is_named(
    kept: Kept, others: tuple[str, ...]
) -> None:
    circle = ("shop", *others, "shop")
    for name, first in pairwise(circle):
        kept.order(name, dependsOn=[{"name": first}])
    conditions = kept.settle("shop")["conditions"]
    assert "Reconciling" not in conditions
    assert conditions["Stalled"]["reason"] == "DependencyCircle"
    said = " waits for ".join(f"Release/{name}" for name in circle)
    assert conditions["Stalled"]["message"].startswith(f"{said}: none of them can begin")
    kept.order("shop")
    assert kept.settle("shop")["phase"] == "Ready"


def test_what_runs_is_not_taken_for_an_order_that_is_on_its_way(kept: Kept) -> None:
    kept.order()
    kept.settle()
    kept.order(values={"text": "later"}, dependsOn=[{"name": "db"}])
    ready = kept.settle()["conditions"]["Ready"]
    assert (ready["status"], ready["reason"]) == ("Unknown", "DependencyNotReady")
    assert ready["message"].startswith("running 1.0.0, ordered")


def test_a_plan_that_deletes_every_workload_waits_for_its_approval(kept: Kept, tmp_path: Path) -> None:
    kept.order()
    kept.settle()
    kept.publish(small_bundle(tmp_path / "two", **{"templates/web.yaml": ""}), "two")
    kept.order(bundle={"source": "secret://two"})
    status = kept.settle()
    assert status["conditions"]["Stalled"]["reason"] == "AwaitingApproval"
    assert "every workload would be deleted: Deployment/shop-web" in status["plan"]["why"]
    assert "shop-web" in kept.names("Deployment", "apps")
    kept.order(bundle={"source": "secret://two"}, annotations={"bundler.dev/approve": status["plan"]["digest"]})
    status = kept.settle()
    assert (status["phase"], status["revision"]) == ("Ready", 2)
    assert "shop-web" not in kept.names("Deployment", "apps")


def test_an_older_version_waits_for_an_approval_and_what_runs_is_kept(kept: Kept, tmp_path: Path) -> None:
    newer = small_bundle(tmp_path / "newer", **{"bundle.yaml": bundle_yaml("small", "1.1.0", generate=GENERATE)})
    kept.publish(newer, "two")
    kept.order(bundle={"source": "secret://two"})
    kept.settle()
    kept.order()
    status = kept.settle()
    assert (status["revision"], status["bundle"]["version"]) == (1, "1.1.0")
    assert "small 1.1.0 is recorded, the bundle is 1.0.0" in status["plan"]["why"]
    kept.cluster.delete(ObjectRef("apps", "Deployment", kept.namespace, "shop-web"))
    kept.settle()
    assert "shop-web" in kept.names("Deployment", "apps")
    kept.order(annotations={"bundler.dev/approve": status["plan"]["digest"]})
    assert kept.settle()["bundle"]["version"] == "1.0.0"


@pytest.mark.slow
def test_an_order_that_flips_sixty_times_deletes_nothing_and_the_last_one_holds(kept: Kept) -> None:
    kept.order(values={"text": "1"})
    kept.settle()
    uid = kept.cluster.get(ObjectRef("apps", "Deployment", kept.namespace, "shop-web"))["metadata"]["uid"]
    before = writes(kept)
    for number in range(60):
        kept.order(values={"text": str(2 - number % 2)})
        if number % 20 == 0:
            kept.look()
    kept.order(values={"text": "last"})
    kept.settle()
    done = kept.cluster.calls[before:]  # type: ignore[attr-defined]
    assert {call.ref.kind for call in done if call.verb == "delete"} <= {"Secret", "Lease"}
    web = kept.cluster.get(ObjectRef("apps", "Deployment", kept.namespace, "shop-web"))
    assert web["metadata"]["uid"] == uid
    assert kept.cluster.get(ObjectRef("", "ConfigMap", kept.namespace, "shop-config"))["data"] == {"text": "last"}


def test_going_back_to_what_runs_after_a_failure_writes_nothing(kept: Kept) -> None:
    kept.order(onFailure="RollBack", timeout="8s")
    kept.settle()
    kept.order(onFailure="RollBack", timeout="8s", values={"image": "docker.io/library/broken:1"})
    kept.settle()
    kept.order(onFailure="RollBack", timeout="8s")
    status = kept.settle()
    assert (status["phase"], status["revision"]) == ("Ready", 3)
    assert len(kept.session.history("shop")) == 3


def test_an_order_that_cannot_be_read_says_all_that_is_wrong(kept: Kept) -> None:
    kept.order(interval="soon", bundle={"source": "secret://one", "digest": ""}, timeout="never")
    status = kept.settle()
    message = status["conditions"]["Stalled"]["message"]
    assert ".spec.interval" in message
    assert ".spec.timeout" in message


def _eventually(is_so, clock, what: str) -> None:
    for _ in range(600):
        if is_so():
            return
        clock.sleep(0.2)
    raise AssertionError(what)


@pytest.mark.slow
@pytest.mark.parametrize("timed_world", [pytest.param("real", marks=pytest.mark.controlplane)], indirect=True)
def test_watches_wake_the_controller(timed_world: World, tmp_path: Path) -> None:
    place, clock = timed_world.operator.namespace, timed_world.operator.clock
    kept = kept_at(timed_world.cluster, clock, place, tmp_path)
    kept.cluster.apply(_namespace(place))
    kept.publish(timed_world.menu, "one")
    with Running(kept.cluster, clock, place) as running:
        _eventually(lambda: running.loop.is_ready, clock, "orders are never listed")
        kept.order()
        _eventually(lambda: kept.status().get("phase") == "Ready", clock, "the release never gets ready")
        kept.order(values={"text": "later"})
        _eventually(lambda: kept.status().get("revision") == 2, clock, "the release is never upgraded")
        _eventually(lambda: kept.status().get("phase") == "Ready", clock, "the upgrade never gets ready")
        kept.cluster.delete(kept.order(values={"text": "later"}))
        _eventually(lambda: not kept.names("Deployment", "apps"), clock, "the release is never uninstalled")
        _eventually(lambda: not kept.names("Release", "bundler.dev"), clock, "the order never goes")


def test_a_deleted_deployment_comes_back_without_a_new_revision(anywhere: Kept) -> None:
    anywhere.order()
    anywhere.settle()
    anywhere.cluster.delete(ObjectRef("apps", "Deployment", anywhere.namespace, "shop-web"))
    status = anywhere.settle()
    assert "shop-web" in anywhere.names("Deployment", "apps")
    assert (status["revision"], status["drift"]["corrected"]) == (1, 1)
    assert anywhere.session.history("shop")[-1].corrected == 1


def test_few_objects_are_put_back_without_a_process_and_many_with_one(kept: Kept, monkeypatch) -> None:
    kept.order()
    kept.settle()
    kept.cluster.delete(ObjectRef("apps", "Deployment", kept.namespace, "shop-web"))
    for few, is_small in ((1, True), (0, False)):
        monkeypatch.setattr("bundler.controller.reconcile.FEW", few)
        changes = HeldChanges()
        kept.restart(changes)
        kept.settle()
        assert [(one.work, one.is_small) for one in changes.begun] == [(Work.CORRECT, is_small)]


def test_an_edited_field_is_put_back_and_its_editor_named(kept: Kept) -> None:
    kept.order()
    kept.settle()
    kept.world.edit("ConfigMap", "shop-config", {"data": {"text": "mine"}})
    status = kept.settle()
    assert kept.cluster.get(ObjectRef("", "ConfigMap", kept.namespace, "shop-config"))["data"] == {"text": "hello"}
    assert status["drift"]["by"] == "kubectl-edit"
    assert status["conditions"]["Drifted"]["status"] == "False"


def test_drift_is_corrected_while_the_source_of_the_bundle_is_away(kept: Kept) -> None:
    kept.order()
    kept.settle()
    kept.cluster.delete(ObjectRef("", "Secret", kept.namespace, "one"))
    kept.world.edit("ConfigMap", "shop-config", {"data": {"text": "mine"}})
    status = kept.settle()
    assert status["conditions"]["Stalled"]["reason"] == "SourceRefused"
    assert kept.cluster.get(ObjectRef("", "ConfigMap", kept.namespace, "shop-config"))["data"] == {"text": "hello"}


def test_drift_is_only_reported_where_the_order_says_so(kept: Kept) -> None:
    kept.order(keep="Warn")
    kept.settle()
    kept.world.edit("ConfigMap", "shop-config", {"data": {"text": "mine"}})
    status = kept.settle()
    assert (status["phase"], status["drift"]["objects"]) == ("Drifted", ["ConfigMap/shop-config"])
    assert kept.cluster.get(ObjectRef("", "ConfigMap", kept.namespace, "shop-config"))["data"] == {"text": "mine"}


def test_a_brief_look_says_nothing_else_of_drift_than_the_thorough_one_before_it(kept: Kept) -> None:
    kept.order(keep="Warn")
    kept.settle()
    kept.world.edit("ConfigMap", "shop-config", {"data": {"text": "mine"}})
    status, before = kept.settle(), writes(kept)
    for _ in range(3):
        kept.clock.sleep(10.0)
        kept.look(is_brief=True)
    assert (writes(kept), kept.status()) == (before, status)
    kept.restart()
    kept.look(is_brief=True)
    assert (writes(kept), kept.status()) == (before, status)


def test_lost_data_is_not_made_again_empty_unless_someone_approves_it(kept: Kept) -> None:
    kept.order()
    kept.settle()
    kept.cluster.delete(ObjectRef("", "Secret", kept.namespace, "shop-password"))
    status = kept.settle()
    assert status["conditions"]["Stalled"]["reason"] == "DataMissing"
    assert "shop-password" not in kept.names("Secret")
    kept.order(annotations={"bundler.dev/approve": status["plan"]["digest"]})
    kept.settle()
    assert "shop-password" in kept.names("Secret")


def test_one_object_that_cannot_be_put_back_holds_up_no_other(kept: Kept) -> None:
    kept.order()
    kept.settle()
    kept.world.edit("Service", "shop-web", {"spec": {"ports": [{"name": "http", "port": 81, "targetPort": 8080}]}})
    kept.world.edit("ConfigMap", "shop-config", {"data": {"text": "mine"}})
    status = kept.settle()
    assert kept.cluster.get(ObjectRef("", "ConfigMap", kept.namespace, "shop-config"))["data"] == {"text": "hello"}
    assert "Service/shop-web" in status["conditions"]["Drifted"]["message"]


def test_a_change_that_is_no_longer_wanted_is_interrupted_and_what_is_wanted_follows(kept: Kept) -> None:
    changes = HeldChanges()
    kept.restart(changes)
    kept.order(values={"text": "1"})
    kept.settle()
    assert kept.status()["phase"] == "Working"
    kept.order(values={"text": "2"})
    kept.settle()
    assert (len(changes.begun), changes.interrupted) == (1, 1)
    stopped = {"result": AttemptResult.PASSING, "reason": Reason.WAITING, "message": "interrupted"}
    changes.end(Outcome(work=Work.APPLY, inputs=changes.begun[0].inputs, **stopped))
    kept.settle()
    assert [one.body["spec"]["values"] for one in changes.begun] == [{"text": "1"}, {"text": "2"}]


def _allow(kept: Kept, role: str, *, kind: str = "ClusterRole") -> None:
    """Let the ServiceAccount of an order do what a role says, in its namespace."""
    name = f"deployer-{role}"
    api = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": name, "namespace": kept.namespace}}
    who = {"kind": "ServiceAccount", "name": "deployer", "namespace": kept.namespace}
    target = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
    kept.cluster.apply(Payload.of({**api, "kind": "RoleBinding", "subjects": [who], "roleRef": target}))


@pytest.mark.slow
@pytest.mark.controlplane
def test_an_order_is_carried_out_as_its_service_account_and_every_missing_right_is_named(
    control_plane, tmp_path: Path
) -> None:
    kubeconfig, place = control_plane.kubeconfig("admin"), f"rights-{uuid.uuid4().hex[:8]}"
    with ExitStack() as closing:
        admin = closing.enter_context(Session.connect(kubeconfig=kubeconfig))

        def open_as(account: Account) -> Session:
            options = SessionOptions(impersonate=account.user, timeout_s=account.timeout_s)
            return closing.enter_context(Session.connect(kubeconfig=kubeconfig, options=options))

        kept = kept_at(admin.cluster, RealClock(), place, tmp_path)
        kept.open_as = open_as
        kept.cluster.apply(_namespace(place))
        kept.publish(small_bundle(tmp_path), "one")
        kept.order(serviceAccountName="deployer")
        stalled = kept.settle()["conditions"]["Stalled"]
        assert stalled["reason"] == "RightsMissing"
        assert stalled["message"].startswith(
            f"ServiceAccount deployer does not exist in namespace {place} (name another"
        )
        kept.put("ServiceAccount", "deployer")
        stalled = kept.settle()["conditions"]["Stalled"]
        assert stalled["reason"] == "RightsMissing"
        assert all(right in stalled["message"] for right in ("list secrets", "get secrets", "create leases"))
        reading = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}
        rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
        kept.cluster.apply(Payload.of({**reading, "metadata": {"name": "reading", "namespace": place}, "rules": rules}))
        _allow(kept, "reading", kind="Role")
        message = kept.settle()["conditions"]["Stalled"]["message"]
        assert "create deployments.apps" in message
        assert "create leases.coordination.k8s.io" in message
        _allow(kept, "cluster-admin")
        kept.order(serviceAccountName="deployer", annotations={"bundler.dev/retry": "1"})
        status = kept.settle()
        assert (status["phase"], status["revision"]) == ("Ready", 1)
        kept.cluster.delete(ObjectRef("", "Namespace", "", place))
