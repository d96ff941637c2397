"""Corners of the sandbox that no contract with a real server can hold: time, logs, addresses, its own node."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors.cluster import ConflictError, ForbiddenError, ObjectNotFoundError, RejectedError, UnknownKindError
from bundler.model.cluster import ListQuery, LogQuery, Payload
from bundler.model.refs import ObjectRef
from tests.contract.bodies import config_map, crd, deployment, job, stateful_set, widget, with_metadata
from tests.lib.clocks import FakeClock
from tests.lib.sandboxes import open_sandbox
from tests.unit.sandbox.builders import apply, available, conditions, get, items, names, payload, pods

if TYPE_CHECKING:
    from bundler.sandbox.client import SandboxClient


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> SandboxClient:
    return open_sandbox(clock)


def pass_time(sandbox: SandboxClient, clock: FakeClock, seconds: float) -> None:
    for _ in range(int(seconds * 5)):
        clock.sleep(0.2)
        names(sandbox, "Pod")


def said(error: Any) -> str:
    return " ".join(error.context)


# --- time ----------------------------------------------------------------------------------------------------------


def test_pods_are_ready_after_their_time_and_not_before(sandbox: SandboxClient, clock: FakeClock) -> None:
    apply(sandbox, deployment(replicas=1))
    assert available(sandbox) == 0
    clock.sleep(0.29)
    assert available(sandbox) == 0
    clock.sleep(0.02)
    assert available(sandbox) == 1


def test_looking_again_at_the_same_time_changes_nothing(sandbox: SandboxClient) -> None:
    apply(sandbox, deployment(replicas=2), stateful_set(), job())
    first = sandbox.list(ListQuery(group="", kind="Pod", namespace="")).resource_version
    assert sandbox.list(ListQuery(group="", kind="Pod", namespace="")).resource_version == first


def test_what_happened_while_nobody_looked_is_caught_up_with(sandbox: SandboxClient, clock: FakeClock) -> None:
    apply(sandbox, stateful_set(replicas=3), job())
    clock.sleep(3600)
    assert get(sandbox, "StatefulSet", "db", "apps")["status"]["readyReplicas"] == 3
    started = get(sandbox, "Pod", "db-2")["status"]["startTime"]
    assert started == "2026-11-01T12:00:00Z"
    assert get(sandbox, "Job", "migrate", "batch")["status"]["completionTime"] == "2026-11-01T12:00:00Z"


def test_an_absence_with_a_crashing_container_is_caught_up_with_too(sandbox: SandboxClient, clock: FakeClock) -> None:
    apply(sandbox, deployment(replicas=1, image="crash:1"))
    clock.sleep(100_000)
    (pod,) = pods(sandbox, "web")
    assert pod["status"]["containerStatuses"][0]["restartCount"] > 5


def test_a_watch_ends_after_its_time_with_a_bookmark(sandbox: SandboxClient, clock: FakeClock) -> None:
    query = ListQuery(group="", kind="ConfigMap", namespace="default", metadata_only=True)
    version = sandbox.list(query).resource_version
    apply(sandbox, config_map())
    events = list(sandbox.watch(query, resource_version=version, timeout_s=5))
    assert [event.type for event in events] == ["ADDED", "BOOKMARK"]
    assert events[0].body.keys() == {"apiVersion", "kind", "metadata"}
    assert 5 <= clock.monotonic() < 5.1


# --- logs ----------------------------------------------------------------------------------------------------------


def pod_ref(sandbox: SandboxClient, app: str = "web") -> ObjectRef:
    return ObjectRef("", "Pod", "default", pods(sandbox, app)[0]["metadata"]["name"])


def test_a_log_is_followed_until_its_container_ends(sandbox: SandboxClient, clock: FakeClock) -> None:
    apply(sandbox, job())
    clock.sleep(0.31)
    name = names(sandbox, "Pod")[0]
    lines = list(sandbox.logs(ObjectRef("", "Pod", "default", name), LogQuery(is_following=True)))
    assert lines[-1].endswith("done")


def test_a_followed_log_ends_when_its_pod_goes(sandbox: SandboxClient, clock: FakeClock) -> None:
    apply(sandbox, deployment(replicas=1))
    names(sandbox, "Pod")
    clock.sleep(1)
    lines = sandbox.logs(pod_ref(sandbox), LogQuery(is_following=True))
    assert next(lines)
    sandbox.delete(ObjectRef("apps", "Deployment", "default", "web"))
    assert all(lines)


def test_a_log_needs_a_container_that_is_there(sandbox: SandboxClient, clock: FakeClock) -> None:
    containers = [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}}
    apply(sandbox, deployment(replicas=1, template=template))
    names(sandbox, "Pod")
    with pytest.raises(RejectedError) as caught:
        list(sandbox.logs(pod_ref(sandbox), LogQuery(container="a")))
    assert "is waiting to start: ContainerCreating" in said(caught.value)
    clock.sleep(1)
    with pytest.raises(RejectedError) as caught:
        list(sandbox.logs(pod_ref(sandbox), LogQuery()))
    assert "choose one of" in said(caught.value)
    assert [line.split(": ")[1] for line in sandbox.logs(pod_ref(sandbox), LogQuery(container="b", tail_lines=1))] == [
        "ready to serve"
    ]


# --- requests that make no sense -----------------------------------------------------------------------------------


def raw(body: dict[str, Any], ref: ObjectRef) -> Payload:
    return Payload(ref=ref, api_version=body["apiVersion"], content=json.dumps(body).encode())


def test_a_body_for_another_address_is_refused(sandbox: SandboxClient) -> None:
    ref = ObjectRef("", "ConfigMap", "default", "settings")
    with pytest.raises(RejectedError) as caught:
        sandbox.apply(raw(config_map("other"), ref))
    assert "does not match the name on the URL" in said(caught.value)
    with pytest.raises(RejectedError) as caught:
        sandbox.apply(raw(with_metadata(config_map(), namespace="kube-system"), ref))
    assert "does not match the namespace" in said(caught.value)
    with pytest.raises(UnknownKindError):
        sandbox.apply(raw(config_map(), ObjectRef("apps", "ConfigMap", "default", "settings")))


def test_what_only_the_server_writes_cannot_be_sent(sandbox: SandboxClient) -> None:
    with pytest.raises(RejectedError):
        sandbox.apply(payload(with_metadata(config_map(), managedFields=[{"manager": "me"}])))
    with pytest.raises(RejectedError):
        sandbox.create(payload(with_metadata(config_map(), resourceVersion="1")))
    apply(sandbox, config_map())
    with pytest.raises(ConflictError):
        sandbox.apply(payload(with_metadata(config_map(), resourceVersion="1")))


def test_edits_and_faults_need_their_object(sandbox: SandboxClient) -> None:
    with pytest.raises(ObjectNotFoundError):
        sandbox.edit(ObjectRef("", "ConfigMap", "default", "nothing"), {"data": {"a": "b"}})
    with pytest.raises(UnknownKindError):
        sandbox.edit(ObjectRef("", "Nothing", "default", "nothing"), {"data": {"a": "b"}})


def test_an_orphaning_delete_keeps_other_owners(sandbox: SandboxClient) -> None:
    apply(sandbox, config_map("a"), config_map("b"))
    owners = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": name,
            "uid": get(sandbox, "ConfigMap", name)["metadata"]["uid"],
        }
        for name in ("a", "b")
    ]
    apply(sandbox, with_metadata(config_map("child"), ownerReferences=owners))
    sandbox.delete(ObjectRef("", "ConfigMap", "default", "a"), propagation="Orphan")
    left = get(sandbox, "ConfigMap", "child")["metadata"]["ownerReferences"]
    assert [one["name"] for one in left] == ["b"]
    sandbox.delete(ObjectRef("", "ConfigMap", "default", "b"))
    assert get(sandbox, "ConfigMap", "child") is None


def test_a_cluster_scoped_custom_kind_without_a_status_subresource(sandbox: SandboxClient) -> None:
    definition = crd("example.com")
    definition["spec"]["scope"] = "Cluster"
    del definition["spec"]["versions"][0]["subresources"]
    sandbox.apply(payload(definition, namespace=""))
    assert sandbox.resource_type("example.com", "Widget") is not None
    body = {**widget("example.com"), "status": {"phase": "new"}}
    made: Any = sandbox.apply(payload(body, namespace="")).body
    assert made["status"] == {"phase": "new"}
    changed: Any = sandbox.apply(payload({**body, "status": {"phase": "old"}}, namespace="")).body
    assert changed["metadata"]["generation"] == 2
    with pytest.raises(RejectedError) as caught:
        sandbox.apply(payload({**widget("example.com", "bare"), "spec": {}}, namespace=""))
    assert "spec.size: Required value" in said(caught.value)


# --- small controllers ---------------------------------------------------------------------------------------------


def test_an_autoscaler_reports_on_its_target_and_leaves_it_alone(sandbox: SandboxClient, clock: FakeClock) -> None:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": reference, "maxReplicas": 5, "minReplicas": 3},
    }
    apply(sandbox, scaler)
    assert conditions(get(sandbox, "HorizontalPodAutoscaler", "web", "autoscaling"))["AbleToScale"][0] == "False"
    apply(sandbox, deployment(replicas=2))
    pass_time(sandbox, clock, 1)
    body = get(sandbox, "HorizontalPodAutoscaler", "web", "autoscaling")
    assert (body["status"]["currentReplicas"], body["status"]["desiredReplicas"]) == (2, 2)
    assert conditions(body)["AbleToScale"][0] == "True"
    sandbox.scale("Deployment", "web", 4)
    assert get(sandbox, "HorizontalPodAutoscaler", "web", "autoscaling")["status"]["currentReplicas"] == 4


@pytest.mark.parametrize(
    ("bound", "allowed"),
    [
        ({"minAvailable": "50%"}, 1),
        ({"maxUnavailable": 1}, 1),
        ({"maxUnavailable": "100%"}, 3),
        ({"minAvailable": 3}, 0),
    ],
)
def test_a_budget_allows_what_its_bound_leaves(
    sandbox: SandboxClient, clock: FakeClock, bound: dict[str, Any], allowed: int
) -> None:
    apply(sandbox, deployment(replicas=3))
    spec = {"selector": {"matchLabels": {"app": "web"}}, **bound}
    apply(sandbox, {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}, "spec": spec})
    pass_time(sandbox, clock, 1)
    assert get(sandbox, "PodDisruptionBudget", "b", "policy")["status"]["disruptionsAllowed"] == allowed


def claim(storage: str = "1Gi", **spec: Any) -> dict[str, Any]:
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}, **spec}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": wanted}


def storage_class(**fields: Any) -> Payload:
    body = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "now"}, **fields}
    return payload({"provisioner": "example.com/disk", **body}, namespace="")


def test_a_claim_of_an_immediate_class_is_bound_and_grows(sandbox: SandboxClient) -> None:
    apply(sandbox, claim(storageClassName="now"))
    assert get(sandbox, "PersistentVolumeClaim", "data")["status"]["phase"] == "Pending"
    assert any('"now" not found' in one["message"] for one in items(sandbox, "Event"))
    sandbox.apply(storage_class(reclaimPolicy="Retain", allowVolumeExpansion=True))
    body = get(sandbox, "PersistentVolumeClaim", "data")
    assert body["status"] == {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}
    apply(sandbox, claim("2Gi", storageClassName="now"))
    assert get(sandbox, "PersistentVolumeClaim", "data")["status"]["capacity"] == {"storage": "2Gi"}
    sandbox.delete(ObjectRef("", "PersistentVolumeClaim", "default", "data"))
    assert get(sandbox, "PersistentVolumeClaim", "data") is None
    (volume,) = sandbox.list(ListQuery(group="", kind="PersistentVolume", namespace="")).items
    assert volume["status"] == {"phase": "Released"}


def test_a_volume_of_a_deleting_class_goes_with_its_claim(sandbox: SandboxClient) -> None:
    sandbox.apply(storage_class())
    apply(sandbox, claim(storageClassName="now"))
    assert sandbox.list(ListQuery(group="", kind="PersistentVolume", namespace="")).items
    sandbox.delete(ObjectRef("", "PersistentVolumeClaim", "default", "data"))
    assert sandbox.list(ListQuery(group="", kind="PersistentVolume", namespace="")).items == ()


def test_a_cron_job_is_kept_and_not_run(sandbox: SandboxClient, clock: FakeClock) -> None:
    spec = {"schedule": "* * * * *", "jobTemplate": {"spec": job()["spec"]}}
    apply(sandbox, {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick"}, "spec": spec})
    clock.sleep(3600)
    assert get(sandbox, "CronJob", "tick", "batch")["status"] == {}
    assert names(sandbox, "Job", "batch") == []


def test_old_replica_sets_are_forgotten_beyond_the_limit(sandbox: SandboxClient, clock: FakeClock) -> None:
    for number in range(5):
        apply(sandbox, deployment(replicas=1, image=f"web:{number}", revisionHistoryLimit=2))
        pass_time(sandbox, clock, 1)
    left = items(sandbox, "ReplicaSet", "apps")
    revisions = sorted(one["metadata"]["annotations"]["deployment.kubernetes.io/revision"] for one in left)
    assert revisions == ["3", "4", "5"]


def test_a_paused_deployment_is_not_rolled_over(sandbox: SandboxClient, clock: FakeClock) -> None:
    apply(sandbox, deployment(replicas=1))
    pass_time(sandbox, clock, 1)
    apply(sandbox, deployment(replicas=1, image="web:2", paused=True))
    pass_time(sandbox, clock, 1)
    assert len(names(sandbox, "ReplicaSet", "apps")) == 1


@pytest.mark.parametrize(
    ("hard", "words"),
    [
        ({"requests.cpu": "1"}, "must specify requests.cpu"),
        ({"requests.memory": "1Gi", "limits.memory": "1Gi"}, "must specify limits.memory,requests.memory"),
    ],
)
def test_a_quota_of_compute_wants_it_named(sandbox: SandboxClient, hard: dict[str, str], words: str) -> None:
    apply(sandbox, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": hard}})
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "a", "image": "x"}]},
    }
    with pytest.raises(ForbiddenError) as caught:
        sandbox.apply(payload(pod))
    assert words in said(caught.value)


def test_a_quota_of_compute_and_storage_is_counted(sandbox: SandboxClient, clock: FakeClock) -> None:
    hard = {"requests.cpu": "1", "requests.storage": "1Gi", "services.loadbalancers": "0"}
    apply(sandbox, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": hard}})
    body = deployment(replicas=3)
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "400m"}}
    apply(sandbox, body, claim())
    pass_time(sandbox, clock, 1)
    assert len(pods(sandbox, "web")) == 2
    used = get(sandbox, "ResourceQuota", "q")["status"]["used"]
    assert used == {"requests.cpu": "800m", "requests.storage": "1Gi", "services.loadbalancers": "0"}
    service = {"type": "LoadBalancer", "ports": [{"port": 80}]}
    with pytest.raises(ForbiddenError):
        apply(sandbox, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": service})
