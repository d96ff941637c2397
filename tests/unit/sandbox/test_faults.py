"""Failures on request: what each reason does, and that healing fixes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bundler.errors import UsageError
from bundler.model.cluster import LogQuery
from bundler.model.refs import ObjectRef
from bundler.sandbox.controllers.pod_status import REASONS
from tests.contract.bodies import deployment, job, stateful_set
from tests.lib.clocks import FakeClock
from tests.lib.sandboxes import open_sandbox
from tests.unit.sandbox.builders import apply, available, conditions, get, items, names, pods, waiting_reasons

if TYPE_CHECKING:
    from bundler.sandbox.client import SandboxClient


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> SandboxClient:
    return open_sandbox(clock)


def settle(sandbox: SandboxClient, clock: FakeClock, seconds: float = 3.0) -> None:
    for _ in range(int(seconds / 0.1)):
        clock.sleep(0.1)
        names(sandbox, "Pod")


@pytest.mark.parametrize(
    ("reason", "waiting", "event"),
    [
        ("ImagePullBackOff", "ImagePullBackOff", "Failed"),
        ("ErrImageNeverPull", "ErrImageNeverPull", "ErrImageNeverPull"),
        ("InvalidImageName", "InvalidImageName", "InspectFailed"),
        ("CreateContainerConfigError", "CreateContainerConfigError", "Failed"),
        ("CrashLoopBackOff", "CrashLoopBackOff", "BackOff"),
        ("OOMKilled", "CrashLoopBackOff", "BackOff"),
    ],
)
def test_containers_that_cannot_run_say_why(
    sandbox: SandboxClient, clock: FakeClock, reason: str, waiting: str, event: str
) -> None:
    sandbox.fail("Deployment", "web", reason)
    apply(sandbox, deployment(replicas=1))
    settle(sandbox, clock)
    assert waiting_reasons(sandbox, "web") == {waiting}
    assert available(sandbox) == 0
    found = items(sandbox, "Event", field_selector="type=Warning,involvedObject.kind=Pod")
    assert event in {one["reason"] for one in found}
    assert sandbox.heal("Deployment", "web") is True
    settle(sandbox, clock)
    assert available(sandbox) == 1


def test_a_pod_that_no_node_takes_is_unschedulable(sandbox: SandboxClient, clock: FakeClock) -> None:
    sandbox.fail("Deployment", "web", "Unschedulable")
    apply(sandbox, deployment(replicas=1))
    settle(sandbox, clock)
    (pod,) = pods(sandbox, "web")
    assert conditions(pod)["PodScheduled"] == ("False", "Unschedulable")
    assert "nodeName" not in pod["spec"]
    sandbox.heal("Deployment", "web")
    settle(sandbox, clock)
    assert available(sandbox) == 1


def test_readiness_is_lost_and_comes_back(sandbox: SandboxClient, clock: FakeClock) -> None:
    apply(sandbox, deployment(replicas=2))
    settle(sandbox, clock)
    sandbox.fail("Deployment", "web", "NotReady")
    settle(sandbox, clock, 0.5)
    assert available(sandbox) == 0
    assert {pod["status"]["phase"] for pod in pods(sandbox, "web")} == {"Running"}
    sandbox.heal("Deployment", "web")
    settle(sandbox, clock, 0.5)
    assert available(sandbox) == 2


def test_a_failing_start_leaves_running_pods_alone(sandbox: SandboxClient, clock: FakeClock) -> None:
    apply(sandbox, deployment(replicas=1))
    settle(sandbox, clock)
    sandbox.fail("Deployment", "web", "ImagePullBackOff")
    settle(sandbox, clock)
    assert available(sandbox) == 1
    apply(sandbox, deployment(replicas=1, image="web:2"))
    settle(sandbox, clock)
    assert available(sandbox) == 1
    assert len(pods(sandbox, "web")) == 2


def test_a_crash_counts_restarts_and_leaves_its_last_words(sandbox: SandboxClient, clock: FakeClock) -> None:
    apply(sandbox, deployment(replicas=1))
    settle(sandbox, clock)
    sandbox.fail("Deployment", "web", "CrashLoopBackOff")
    counts = []
    for _ in range(8):
        settle(sandbox, clock, 1.0)
        (pod,) = pods(sandbox, "web")
        (status,) = pod["status"]["containerStatuses"]
        counts.append(status["restartCount"])
    assert counts == sorted(counts)
    assert counts[-1] >= 3
    ref = ObjectRef("", "Pod", "default", pod["metadata"]["name"])
    assert list(sandbox.logs(ref, LogQuery(is_previous=True)))[-1].startswith("FATAL: ")
    sandbox.heal("Deployment", "web")
    settle(sandbox, clock)
    (pod,) = pods(sandbox, "web")
    assert pod["status"]["containerStatuses"][0]["restartCount"] == counts[-1]
    assert available(sandbox) == 1


def test_a_job_that_is_told_to_fail_uses_up_its_tries(sandbox: SandboxClient, clock: FakeClock) -> None:
    sandbox.fail("Job", "migrate", "JobFailed")
    apply(sandbox, job(backoffLimit=2))
    settle(sandbox, clock, 5)
    body = get(sandbox, "Job", "migrate", "batch")
    assert conditions(body)["Failed"] == ("True", "BackoffLimitExceeded")
    assert body["status"]["failed"] == 3


def test_a_claim_that_is_told_to_wait_keeps_its_pod_waiting(sandbox: SandboxClient, clock: FakeClock) -> None:
    sandbox.fail("PersistentVolumeClaim", "data-db-0", "Pending")
    apply(sandbox, stateful_set())
    settle(sandbox, clock)
    assert get(sandbox, "PersistentVolumeClaim", "data-db-0")["status"]["phase"] == "Pending"
    (pod,) = pods(sandbox, "db")
    assert "PersistentVolumeClaims" in pod["status"]["conditions"][0]["message"]
    sandbox.heal("PersistentVolumeClaim", "data-db-0")
    settle(sandbox, clock)
    assert get(sandbox, "StatefulSet", "db", "apps")["status"]["readyReplicas"] == 1


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_a_workload_over_its_quota_gets_no_pods(sandbox: SandboxClient, clock: FakeClock, kind: str) -> None:
    body = deployment("web", replicas=1) if kind == "Deployment" else stateful_set("web")
    sandbox.fail(kind, "web", "QuotaExceeded")
    apply(sandbox, body)
    settle(sandbox, clock)
    assert pods(sandbox, "web") == []
    events = items(sandbox, "Event", field_selector="reason=FailedCreate")
    assert any("exceeded quota" in one["message"] for one in events)
    sandbox.heal(kind, "web")
    settle(sandbox, clock)
    assert len(pods(sandbox, "web")) == 1


def test_a_fault_can_be_meant_for_one_pod(sandbox: SandboxClient, clock: FakeClock) -> None:
    apply(sandbox, stateful_set(replicas=2))
    settle(sandbox, clock)
    sandbox.fail("Pod", "db-0", "NotReady")
    settle(sandbox, clock)
    ready = {pod["metadata"]["name"]: conditions(pod)["Ready"][0] for pod in pods(sandbox, "db")}
    assert ready == {"db-0": "False", "db-1": "True"}


def test_only_known_reasons_and_kinds_can_fail(sandbox: SandboxClient) -> None:
    with pytest.raises(UsageError) as caught:
        sandbox.fail("Deployment", "web", "BadMood")
    assert [line.partition(":")[0] for line in caught.value.context] == list(REASONS)
    with pytest.raises(UsageError):
        sandbox.fail("ConfigMap", "web", "NotReady")
    assert sandbox.heal("Deployment", "web") is False


def test_a_reset_sandbox_is_empty_and_another_cluster(sandbox: SandboxClient) -> None:
    apply(sandbox, deployment(replicas=1))
    sandbox.fail("Deployment", "web", "NotReady")
    before: Any = sandbox.identity()
    version = int(get(sandbox, "Deployment", "web", "apps")["metadata"]["resourceVersion"])
    sandbox.reset()
    assert sandbox.identity().uid != before.uid
    assert get(sandbox, "Deployment", "web", "apps") is None
    assert sandbox.faults() == []
    apply(sandbox, deployment(replicas=0))
    assert int(get(sandbox, "Deployment", "web", "apps")["metadata"]["resourceVersion"]) > version


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"envFrom": [{"secretRef": {"name": "nope"}}]}, "CreateContainerConfigError", 'secret "nope" not found'),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "nope", "key": "a"}}}]},
            "CreateContainerConfigError",
            'configmap "nope" not found',
        ),
    ],
)
def test_missing_configuration_is_told(
    sandbox: SandboxClient, clock: FakeClock, change: dict[str, Any], reason: str, words: str
) -> None:
    body = deployment(replicas=1)
    body["spec"]["template"]["spec"]["containers"][0] |= change
    apply(sandbox, body)
    settle(sandbox, clock)
    assert waiting_reasons(sandbox, "web") == {reason}
    assert any(words in one["message"] for one in items(sandbox, "Event"))


def test_a_missing_volume_source_holds_a_pod_until_it_is_there(sandbox: SandboxClient, clock: FakeClock) -> None:
    body = deployment(replicas=1)
    body["spec"]["template"]["spec"]["volumes"] = [{"name": "v", "secret": {"secretName": "late"}}]
    apply(sandbox, body)
    settle(sandbox, clock)
    assert waiting_reasons(sandbox, "web") == {"ContainerCreating"}
    late = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "late"}, "data": {}}
    apply(sandbox, late)
    settle(sandbox, clock, 0.2)
    assert available(sandbox) == 1
