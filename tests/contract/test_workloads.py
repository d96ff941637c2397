"""ClusterClient's contract: rollouts, jobs, daemons. Held against the sandbox and the real API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.bodies import deployment, job, stateful_set

if TYPE_CHECKING:
    from tests.contract.conftest import Subject

pytestmark = pytest.mark.slow


def conditions(body: Any) -> dict[str, tuple[str, str]]:
    found = (body or {}).get("status", {}).get("conditions") or ()
    return {one["type"]: (one["status"], one.get("reason", "")) for one in found}


def images(cluster: Subject, app: str) -> dict[str, str]:
    pods = cluster.list("Pod", label_selector=f"app={app}").items
    return {pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"] for pod in pods}


def is_rolled(cluster: Subject, name: str, replicas: int) -> Any:
    body = cluster.get("Deployment", name, "apps")
    status = body.get("status", {})
    counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
    is_observed = status.get("observedGeneration") == body["metadata"]["generation"]
    return body if is_observed and counts == [replicas] * 3 else None


def is_stateful_ready(cluster: Subject, replicas: int) -> Any:
    body = cluster.get("StatefulSet", "db", "apps")
    status = body.get("status", {})
    is_observed = status.get("observedGeneration") == body["metadata"]["generation"]
    is_updated = status.get("currentRevision") == status.get("updateRevision")
    counts = [status.get(key, 0) for key in ("replicas", "readyReplicas", "updatedReplicas", "availableReplicas")]
    return body if is_observed and is_updated and counts == [replicas] * 4 else None


def test_recreate_stops_the_old_pods_first(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(deployment(replicas=2, strategy={"type": "Recreate"}))
    cluster.wait("the first", lambda: is_rolled(cluster, "web", 2))
    version = cluster.list("ReplicaSet", group="apps").resource_version
    cluster.apply(deployment(replicas=2, strategy={"type": "Recreate"}, image="web:2"))
    cluster.wait("the second", lambda: is_rolled(cluster, "web", 2))
    assert set(images(cluster, "web").values()) == {"web:2"}
    from bundler.model.cluster import ListQuery

    query = ListQuery(group="apps", kind="ReplicaSet", namespace=cluster.namespace)
    sizes: dict[str, int] = {"web:1": 2, "web:2": 0}
    for event in cluster.client.watch(query, resource_version=version, timeout_s=0.5):
        if event.type == "BOOKMARK":
            continue
        body: Any = event.body
        sizes[body["spec"]["template"]["spec"]["containers"][0]["image"]] = body["spec"]["replicas"]
        assert min(sizes.values()) == 0, "both are never scaled up"


def test_a_deployment_scales_up_and_down(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(deployment(replicas=3))
    cluster.wait("three", lambda: is_rolled(cluster, "web", 3))
    cluster.apply(deployment(replicas=1))
    cluster.wait("one", lambda: is_rolled(cluster, "web", 1) and len(images(cluster, "web")) == 1)
    cluster.apply(deployment(replicas=0))
    cluster.wait("none", lambda: not images(cluster, "web"))
    body = cluster.wait("none is available", lambda: is_rolled(cluster, "web", 0))
    assert conditions(body)["Available"] == ("True", "MinimumReplicasAvailable")
    assert "unavailableReplicas" not in body["status"]


def test_minimum_ready_seconds_delay_availability(cluster: Subject) -> None:
    cluster.furnish()
    seconds = 20 if cluster.name == "sandbox" else 2  # two seconds of this machine, whatever else it does
    cluster.apply(deployment(replicas=1, minReadySeconds=seconds))

    def ready() -> Any:
        body = cluster.get("Deployment", "web", "apps")
        return body if body.get("status", {}).get("readyReplicas") == 1 else None

    body = cluster.wait("ready", ready)
    assert body["status"].get("availableReplicas", 0) == 0
    cluster.wait("available", lambda: is_rolled(cluster, "web", 1))


def test_a_stateful_set_rolls_over_and_shrinks(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(stateful_set(replicas=2))
    cluster.wait("two", lambda: is_stateful_ready(cluster, 2))
    cluster.apply(stateful_set(replicas=2, image="db:2"))
    cluster.wait("two new ones", lambda: is_stateful_ready(cluster, 2))
    assert images(cluster, "db") == {"db-0": "db:2", "db-1": "db:2"}
    cluster.apply(stateful_set(replicas=1, image="db:2"))
    cluster.wait("one", lambda: is_stateful_ready(cluster, 1))
    assert images(cluster, "db") == {"db-0": "db:2"}
    assert cluster.names("PersistentVolumeClaim") == ["data-db-0", "data-db-1"]


def test_a_parallel_stateful_set_does_not_wait_for_its_first_pod(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(stateful_set(replicas=2, image="unready:1", podManagementPolicy="Parallel"))
    cluster.wait("both pods", lambda: len(images(cluster, "db")) == 2)


def test_an_ordered_stateful_set_waits_for_its_first_pod(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(stateful_set(replicas=2, image="unready:1"))

    def running() -> Any:
        pods = cluster.list("Pod", label_selector="app=db").items
        return [pod for pod in pods if pod.get("status", {}).get("phase") == "Running"]

    cluster.wait("the first runs", running)
    assert list(images(cluster, "db")) == ["db-0"]


def test_an_update_behind_a_partition_waits(cluster: Subject) -> None:
    cluster.furnish()
    kept = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
    cluster.apply(stateful_set(replicas=2, updateStrategy=kept))
    cluster.wait("two", lambda: is_stateful_ready(cluster, 2))
    cluster.apply(stateful_set(replicas=2, updateStrategy=kept, image="db:2"))
    cluster.wait("the second only", lambda: images(cluster, "db") == {"db-0": "db:1", "db-1": "db:2"})


def test_a_daemon_set_covers_every_node_and_rolls_over(cluster: Subject) -> None:
    cluster.furnish()
    labels = {"app": "agent"}
    body = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "agent"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "agent:1"}]}},
        },
    }

    def is_ready(image: str) -> Any:
        live = cluster.get("DaemonSet", "agent", "apps")
        status = live.get("status", {})
        wanted = status.get("desiredNumberScheduled")
        keys = ("currentNumberScheduled", "numberReady", "updatedNumberScheduled", "numberAvailable")
        is_observed = status.get("observedGeneration") == live["metadata"]["generation"]
        is_new = set(images(cluster, "agent").values()) == {image}
        return is_observed and is_new and wanted and {status.get(key) for key in keys} == {wanted}

    cluster.apply(body)
    cluster.wait("ready", lambda: is_ready("agent:1"))
    body["spec"]["template"]["spec"]["containers"][0]["image"] = "agent:2"  # type: ignore[index]
    cluster.apply(body)
    cluster.wait("rolled over", lambda: is_ready("agent:2"))


def test_several_completions_run_side_by_side(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(job(completions=3, parallelism=2))
    done = cluster.wait("complete", lambda: finished(cluster, "Complete"))
    assert done["status"]["succeeded"] == 3
    assert "active" not in done["status"]
    assert done["status"]["completionTime"]


def finished(cluster: Subject, kind: str) -> Any:
    body = cluster.get("Job", "migrate", "batch")
    return body if conditions(body).get(kind, ("", ""))[0] == "True" else None


def test_a_suspended_job_does_not_run(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(job(suspend=True))
    body = cluster.wait("suspended", lambda: finished(cluster, "Suspended"))
    assert conditions(body)["Suspended"] == ("True", "JobSuspended")
    assert cluster.names("Pod") == []
    cluster.apply(job(suspend=False))
    cluster.wait("complete", lambda: finished(cluster, "Complete"))


def test_a_job_past_its_deadline_has_failed(cluster: Subject) -> None:
    cluster.furnish()
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "unready:1"}]}
    cluster.apply(job(activeDeadlineSeconds=1, template={"spec": pod}))
    body = cluster.wait("failed", lambda: finished(cluster, "Failed"))
    assert conditions(body)["Failed"][1] == "DeadlineExceeded"


def test_a_finished_job_goes_when_its_time_is_over(cluster: Subject) -> None:
    cluster.furnish()
    cluster.apply(job(ttlSecondsAfterFinished=1))
    cluster.wait("gone", lambda: cluster.get("Job", "migrate", "batch") is None)
    cluster.wait("with its pods", lambda: not cluster.names("Pod"))


@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
def test_init_containers_run_before_the_others(cluster: Subject, policy: str) -> None:
    cluster.furnish()
    containers = [{"name": "main", "image": "job:1"}]
    pod = {"restartPolicy": policy, "initContainers": [{"name": "first", "image": "init:1"}], "containers": containers}
    cluster.apply(job(template={"spec": pod}))
    cluster.wait("complete", lambda: finished(cluster, "Complete"))
    (made,) = cluster.list("Pod").items
    (status,) = made["status"]["initContainerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 0
    assert made["status"]["phase"] == "Succeeded"
