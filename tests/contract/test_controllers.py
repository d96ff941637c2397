"""ClusterClient's contract: what controllers and nodes make of objects. Held against the sandbox and the real API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors.cluster import ForbiddenError, ObjectNotFoundError, RejectedError
from bundler.model.cluster import LogQuery
from tests.contract.bodies import deployment, job, secret, service, stateful_set

if TYPE_CHECKING:
    from tests.contract.conftest import Subject


def test_a_deployment_comes_up_and_its_pods_can_be_read(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(deployment(replicas=2))
    body = cluster.wait("available", lambda: ready_deployment(cluster, 2))
    status = body["status"]
    assert status["observedGeneration"] == body["metadata"]["generation"]
    assert (status["replicas"], status["updatedReplicas"], status["readyReplicas"]) == (2, 2, 2)
    conditions = {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}
    assert conditions["Available"] == ("True", "MinimumReplicasAvailable")
    assert conditions["Progressing"] == ("True", "NewReplicaSetAvailable")
    (replica_set,) = cluster.list("ReplicaSet", group="apps").items
    pods = cluster.list("Pod", label_selector="app=web").items
    suffix = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"web-{suffix}"
    assert [pod["metadata"]["labels"] for pod in pods] == [{"app": "web", "pod-template-hash": suffix}] * 2
    (owner,) = pods[0]["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("ReplicaSet", f"web-{suffix}", True)
    assert pods[0]["status"]["phase"] == "Running"
    assert pods[0]["status"]["containerStatuses"][0]["state"].keys() == {"running"}
    lines = list(cluster.client.logs(cluster.ref("Pod", pods[0]["metadata"]["name"]), LogQuery()))
    assert lines
    assert (
        list(cluster.client.logs(cluster.ref("Pod", pods[0]["metadata"]["name"]), LogQuery(tail_lines=1))) == lines[-1:]
    )


def ready_deployment(cluster: Subject, replicas: int) -> Any:
    body = cluster.get("Deployment", "web", "apps")
    status = body.get("status", {})
    is_observed = status.get("observedGeneration") == body["metadata"]["generation"]
    is_rolled = status.get("updatedReplicas") == status.get("replicas") == status.get("availableReplicas") == replicas
    conditions = {one["type"]: one["reason"] for one in status.get("conditions", ())}
    return body if is_observed and is_rolled and conditions["Progressing"] == "NewReplicaSetAvailable" else None


def test_a_new_template_is_rolled_out_and_the_old_pods_go(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(deployment(replicas=1))
    cluster.wait("the first", lambda: ready_deployment(cluster, 1))
    cluster.apply(deployment(replicas=1, image="web:2"))
    body = cluster.wait("the second", lambda: ready_deployment(cluster, 1))
    assert body["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"

    def images() -> list[str]:
        return [pod["spec"]["containers"][0]["image"] for pod in cluster.list("Pod", label_selector="app=web").items]

    cluster.wait("only new pods", lambda: images() == ["web:2"])
    sizes = {
        one["spec"]["template"]["spec"]["containers"][0]["image"]: one["spec"]["replicas"]
        for one in cluster.list("ReplicaSet", group="apps").items
    }
    assert sizes == {"web:1": 0, "web:2": 1}


def test_a_stateful_set_comes_up_in_order_with_its_claims(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(stateful_set(replicas=2))

    def is_ready() -> Any:
        body = cluster.get("StatefulSet", "db", "apps")
        status = body.get("status", {})
        return body if status.get("readyReplicas") == status.get("currentReplicas") == 2 else None

    body = cluster.wait("ready", is_ready)
    assert body["status"]["currentRevision"] == body["status"]["updateRevision"]
    assert cluster.names("Pod") == ["db-0", "db-1"]
    claims = cluster.list("PersistentVolumeClaim").items
    assert [one["metadata"]["name"] for one in claims] == ["data-db-0", "data-db-1"]
    assert [one["status"]["phase"] for one in claims] == ["Bound", "Bound"]
    assert claims[0]["metadata"]["labels"] == {"app": "db"}
    assert "ownerReferences" not in claims[0]["metadata"]


def test_a_job_completes(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(job())

    def conditions() -> Any:
        body = cluster.get("Job", "migrate", "batch")
        found = {one["type"]: one["status"] for one in body.get("status", {}).get("conditions", ())}
        return body if found.get("Complete") == "True" else None

    body = cluster.wait("complete", conditions)
    assert body["status"]["succeeded"] == 1
    assert body["spec"]["template"]["metadata"]["labels"]["batch.kubernetes.io/job-name"] == "migrate"


def test_a_claim_waits_for_its_first_consumer(cluster: Subject) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    cluster.apply(claim)
    body = cluster.get("PersistentVolumeClaim", "data")
    assert body["status"]["phase"] == "Pending"
    assert body["spec"]["storageClassName"] == "standard"
    assert body["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]


def test_a_service_gets_an_address_and_a_slice_with_its_labels(cluster: Subject) -> None:
    body = service()
    body["metadata"]["labels"] = {"app.kubernetes.io/instance": "shop"}
    made: Any = cluster.apply(body).body
    assert made["spec"]["clusterIP"].startswith("10.")

    def find() -> Any:
        return cluster.list("EndpointSlice", group="discovery.k8s.io").items

    (found,) = cluster.wait("a slice", find)
    labels = found["metadata"]["labels"]
    assert labels["app.kubernetes.io/instance"] == "shop"
    assert labels["kubernetes.io/service-name"] == "web"
    assert found["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]
    assert found["metadata"]["ownerReferences"][0]["controller"] is True


def test_there_is_no_log_of_a_pod_that_is_gone_or_has_not_started(cluster: Subject) -> None:
    cluster.furnish()
    with pytest.raises(ObjectNotFoundError):
        list(cluster.client.logs(cluster.ref("Pod", "nothing"), LogQuery()))
    pod = {"containers": [{"name": "main", "image": "x", "envFrom": [{"secretRef": {"name": "nothing"}}]}]}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pod})
    cluster.wait("a node takes it", lambda: cluster.get("Pod", "p")["spec"].get("nodeName"))
    with pytest.raises(RejectedError):
        list(cluster.client.logs(cluster.ref("Pod", "p"), LogQuery(is_previous=True)))
    with pytest.raises(RejectedError):
        list(cluster.client.logs(cluster.ref("Pod", "p"), LogQuery(container="other")))


# --- what fails ----------------------------------------------------------------------------------------------------


def waiting_reasons(cluster: Subject, app: str = "web") -> list[str]:
    pods = cluster.list("Pod", label_selector=f"app={app}").items
    statuses = [one for pod in pods for one in pod.get("status", {}).get("containerStatuses", ())]
    return [one["state"].get("waiting", {}).get("reason", "") for one in statuses]


@pytest.mark.medium
def test_an_image_that_cannot_be_pulled_keeps_the_old_pods(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(deployment(replicas=1))
    cluster.wait("the first", lambda: ready_deployment(cluster, 1))
    cluster.apply(deployment(replicas=1, image="broken:2", progressDeadlineSeconds=2))
    cluster.wait("the pull fails", lambda: "ImagePullBackOff" in waiting_reasons(cluster))

    def progressing() -> Any:
        conditions = cluster.get("Deployment", "web", "apps")["status"]["conditions"]
        return next(one for one in conditions if one["type"] == "Progressing")

    cluster.wait("the deadline is over", lambda: progressing()["status"] == "False")
    assert progressing()["reason"] == "ProgressDeadlineExceeded"
    status = cluster.get("Deployment", "web", "apps")["status"]
    assert (status["replicas"], status["updatedReplicas"], status["availableReplicas"]) == (2, 1, 1)
    assert status["unavailableReplicas"] == 1
    events = cluster.list("Event", field_selector="involvedObject.kind=Pod,type=Warning").items
    assert "Failed" in {one["reason"] for one in events}
    cluster.apply(deployment(replicas=1, progressDeadlineSeconds=2))
    cluster.wait("back on the old template", lambda: ready_deployment(cluster, 1))


def test_a_crash_is_told_with_its_exit_code_and_last_words(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(deployment(replicas=1, image="crash:1"))
    cluster.wait("it crashes", lambda: "CrashLoopBackOff" in waiting_reasons(cluster))
    (pod,) = cluster.list("Pod", label_selector="app=web").items
    (status,) = pod["status"]["containerStatuses"]
    assert status["restartCount"] >= 1
    assert status["lastState"]["terminated"]["exitCode"] == 1
    assert status["ready"] is False
    lines = list(cluster.client.logs(cluster.ref("Pod", pod["metadata"]["name"]), LogQuery(is_previous=True)))
    assert lines[-1].startswith("FATAL: ")
    events = cluster.list("Event", field_selector=f"involvedObject.name={pod['metadata']['name']}").items
    assert "BackOff" in {one["reason"] for one in events}


def test_a_pod_that_is_not_ready_is_running_all_the_same(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(deployment(replicas=1, image="unready:1"))

    def running() -> Any:
        pods = cluster.list("Pod", label_selector="app=web").items
        return [pod for pod in pods if pod.get("status", {}).get("phase") == "Running"]

    (pod,) = cluster.wait("it runs", running)
    conditions = {one["type"]: one["status"] for one in pod["status"]["conditions"]}
    assert (conditions["Ready"], conditions["PodScheduled"]) == ("False", "True")
    assert cluster.get("Deployment", "web", "apps")["status"]["unavailableReplicas"] == 1


@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
def test_a_job_that_fails_too_often_has_failed(cluster: Subject, policy: str) -> None:
    cluster.furnish()
    pod = {"restartPolicy": policy, "containers": [{"name": "main", "image": "failjob:1"}]}
    cluster.apply(job(template={"spec": pod}))

    def failure() -> Any:
        conditions = cluster.get("Job", "migrate", "batch").get("status", {}).get("conditions", ())
        return [one for one in conditions if one["type"] == "Failed" and one["status"] == "True"]

    (condition,) = cluster.wait("it fails", failure)
    assert condition["reason"] == "BackoffLimitExceeded"
    assert "backoff limit" in condition["message"]


def test_a_missing_service_account_stops_pods_before_they_exist(cluster: Subject) -> None:
    cluster.furnish()
    body = deployment(replicas=1)
    body["spec"]["template"]["spec"]["serviceAccountName"] = "nobody"
    cluster.apply(body)

    def failure() -> Any:
        conditions = cluster.get("Deployment", "web", "apps").get("status", {}).get("conditions", ())
        return [one for one in conditions if one["type"] == "ReplicaFailure"]

    (condition,) = cluster.wait("no pod", failure)
    assert (condition["status"], condition["reason"]) == ("True", "FailedCreate")
    assert 'serviceaccount "nobody" not found' in condition["message"]
    events = cluster.list("Event", field_selector="involvedObject.kind=ReplicaSet").items
    assert "FailedCreate" in {one["reason"] for one in events}


def test_an_autoscaler_and_a_budget_report(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(deployment(replicas=2))
    budget = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    cluster.apply(
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}, "spec": budget}
    )

    def status() -> Any:
        body = cluster.get("PodDisruptionBudget", "web", "policy")
        return body if body.get("status", {}).get("currentHealthy") == 2 else None

    body = cluster.wait("counted", status)
    assert (body["status"]["disruptionsAllowed"], body["status"]["expectedPods"]) == (1, 2)
    assert body["status"]["observedGeneration"] == body["metadata"]["generation"]


def quota(name: str = "team", **hard: str) -> dict[str, Any]:
    named = {key.replace("__", "/").replace("_", "."): value for key, value in hard.items()}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": {"hard": named}}


def refuses_cron_jobs(cluster: Subject) -> bool:
    """Return whether admission, which learns of quotas by a watch of its own, has heard of one that allows none."""
    template = {
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a:1"}]}}}
    }
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": template}
    body = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "never"}, "spec": spec}
    try:
        cluster.apply(body, is_dry_run=True)
    except ForbiddenError:
        return True
    return False


def test_a_quota_counts_and_refuses(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(quota(count__secrets="1", services="5", count__cronjobs_batch="0"))

    def used() -> Any:
        return cluster.get("ResourceQuota", "team").get("status", {}).get("used")

    assert cluster.wait("counted", used) == {"count/secrets": "0", "services": "0", "count/cronjobs.batch": "0"}
    cluster.wait("admission knows of it", lambda: refuses_cron_jobs(cluster))
    cluster.create(secret())
    with pytest.raises(ForbiddenError) as caught:
        cluster.create(secret("second"))
    words = "exceeded quota: team, requested: count/secrets=1, used: count/secrets=1, limited: count/secrets=1"
    assert words in " ".join(caught.value.context)
    assert (caught.value.is_quota, caught.value.is_leaving) == (True, False)
    with pytest.raises(ForbiddenError):
        cluster.apply(secret("second"), is_dry_run=True)
    cluster.wait("counted again", lambda: used()["count/secrets"] == "1")


def test_pods_over_a_quota_are_not_made(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(quota(pods="1", count__cronjobs_batch="0"))
    cluster.wait("counted", lambda: cluster.get("ResourceQuota", "team").get("status", {}).get("used"))
    cluster.wait("admission knows of it", lambda: refuses_cron_jobs(cluster))
    cluster.apply(deployment(replicas=2))

    def failure() -> Any:
        conditions = cluster.get("Deployment", "web", "apps").get("status", {}).get("conditions", ())
        return [one for one in conditions if one["type"] == "ReplicaFailure"]

    (condition,) = cluster.wait("no second pod", failure)
    assert condition["reason"] == "FailedCreate"
    assert "exceeded quota: team, requested: pods=1, used: pods=1, limited: pods=1" in condition["message"]
    assert len(cluster.names("Pod")) == 1


def test_the_log_of_a_pod_without_a_node_is_empty(cluster: Subject) -> None:
    cluster.furnish()
    claim = {"name": "data", "persistentVolumeClaim": {"claimName": "nothing"}}
    pod = {"containers": [{"name": "main", "image": "x"}], "volumes": [claim]}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pod})

    def scheduled() -> Any:
        conditions = cluster.get("Pod", "p").get("status", {}).get("conditions", ())
        return [one for one in conditions if one["type"] == "PodScheduled" and one["status"] == "False"]

    (condition,) = cluster.wait("no node takes it", scheduled)
    assert condition["reason"] == "Unschedulable"
    assert 'persistentvolumeclaim "nothing" not found' in condition["message"]
    assert list(cluster.client.logs(cluster.ref("Pod", "p"), LogQuery())) == []
