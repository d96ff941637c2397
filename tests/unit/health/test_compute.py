"""Tables of bodies and the status they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from bundler.health.compute import compute_health
from bundler.model.health import Status
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.json import Body

GROUPS = {
    "Deployment": "apps",
    "StatefulSet": "apps",
    "DaemonSet": "apps",
    "ReplicaSet": "apps",
    "Job": "batch",
    "CronJob": "batch",
    "PodDisruptionBudget": "policy",
    "HorizontalPodAutoscaler": "autoscaling",
    "Ingress": "networking.k8s.io",
    "NetworkPolicy": "networking.k8s.io",
    "CustomResourceDefinition": "apiextensions.k8s.io",
    "APIService": "apiregistration.k8s.io",
    "Gateway": "gateway.networking.k8s.io",
    "Cluster": "postgresql.example",
}


def health_of(kind: str, text: str, **more: float) -> tuple[str, str, str]:
    body: Body = yaml.safe_load(text) or {}
    if "metadata" not in body:
        body = {**body, "metadata": {"generation": 2}}
    found = compute_health(ObjectRef(GROUPS.get(kind, ""), kind, "default", "it"), body, **more)  # type: ignore[arg-type]
    return found.status.value, found.message, found.warning


def deployment(spec: str = "replicas: 3", **status: object) -> str:
    usual: Mapping[str, object] = {
        "observedGeneration": 2,
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "conditions": [
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
            {"type": "Available", "status": "True"},
        ],
    }
    return yaml.safe_dump({"spec": yaml.safe_load(f"{{{spec}}}"), "status": {**usual, **status}})


PROGRESSING = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": "is progressing"}
DEADLINE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
QUOTA = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: team"}
AVAILABLE = {"type": "Available", "status": "True"}
NO_CONDITIONS: list[object] = []

DEPLOYMENTS = [
    ("all replicas are ready", deployment(), "Current", "3 of 3 replicas are ready"),
    ("its controller has not seen it", "{spec: {replicas: 3}}", "InProgress", "has not seen it yet"),
    ("an older generation was seen", deployment(observedGeneration=1), "InProgress", "generation 1 of 2"),
    ("not all are updated", deployment(updatedReplicas=1), "InProgress", "1 of 3 replicas are updated"),
    ("old ones are still there", deployment(replicas=4), "InProgress", "1 old replicas are still there"),
    ("not all are ready", deployment(readyReplicas=1), "InProgress", "1 of 3 replicas are ready"),
    ("not all are available", deployment(availableReplicas=2), "InProgress", "2 of 3 replicas are ready"),
    ("the rollout continues", deployment(conditions=[PROGRESSING, AVAILABLE]), "InProgress", "is progressing"),
    (
        "it is not Available",
        deployment(conditions=[{**PROGRESSING, "reason": "NewReplicaSetAvailable"}]),
        "InProgress",
        "not Available",
    ),
    ("the deadline passed", deployment(conditions=[DEADLINE], updatedReplicas=1), "Failed", "timed out"),
    (
        "the deadline passed, by a quota",
        deployment(conditions=[DEADLINE, QUOTA], updatedReplicas=0),
        "Failed",
        "exceeded quota: team",
    ),
    (
        "a quota stops it",
        deployment(conditions=[PROGRESSING, QUOTA], updatedReplicas=0),
        "InProgress",
        "exceeded quota: team",
    ),
    (
        "an old deadline does not count for a new generation",
        deployment(conditions=[DEADLINE], observedGeneration=1),
        "InProgress",
        "generation 1 of 2",
    ),
    (
        "no deadline, no condition",
        deployment("replicas: 3, progressDeadlineSeconds: 2147483647", conditions=[AVAILABLE]),
        "Current",
        "3 of 3",
    ),
    (
        "0 replicas, never any",
        deployment("replicas: 0", replicas=0, updatedReplicas=0, readyReplicas=0, conditions=NO_CONDITIONS),
        "Current",
        "scaled to 0",
    ),
    ("0 replicas, old ones left", deployment("replicas: 0", replicas=2), "InProgress", "2 old replicas"),
    ("replicas default to 1", deployment("a: 1", replicas=1), "Current", "3 of 1"),
    ("paused", deployment("replicas: 3, paused: true", updatedReplicas=0), "Current", "paused"),
    (
        "being deleted",
        "{metadata: {generation: 2, deletionTimestamp: x, finalizers: [a/b]}}",
        "Terminating",
        "waits for a/b",
    ),
]

STATEFUL_SETS = [
    ("not seen", "{spec: {replicas: 1}}", "InProgress", "not seen"),
    (
        "ready",
        "{spec: {replicas: 2}, status: {observedGeneration: 2, replicas: 2, readyReplicas: 2, updatedReplicas: 2}}",
        "Current",
        "2 of 2 replicas are ready",
    ),
    (
        "one ready",
        "{spec: {replicas: 2}, status: {observedGeneration: 2, replicas: 2, readyReplicas: 1, updatedReplicas: 2}}",
        "InProgress",
        "1 of 2",
    ),
    ("none yet", "{spec: {replicas: 2}, status: {observedGeneration: 2}}", "InProgress", "0 of 2"),
    (
        "scaling down",
        "{spec: {replicas: 1}, status: {observedGeneration: 2, replicas: 2, readyReplicas: 2, updatedReplicas: 2}}",
        "InProgress",
        "1 replicas too many",
    ),
    (
        "rolling update under way",
        (
            "{spec: {replicas: 3, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 0}}}, "
            "status: {observedGeneration: 2, replicas: 3, readyReplicas: 3, updatedReplicas: 1}}"
        ),
        "InProgress",
        "1 of 3 replicas are updated",
    ),
    (
        "partition reached",
        (
            "{spec: {replicas: 3, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}}, "
            "status: {observedGeneration: 2, replicas: 3, readyReplicas: 3, updatedReplicas: 1}}"
        ),
        "Current",
        "3 of 3",
    ),
    (
        "partition not reached",
        (
            "{spec: {replicas: 3, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}}, "
            "status: {observedGeneration: 2, replicas: 3, readyReplicas: 3, updatedReplicas: 0}}"
        ),
        "InProgress",
        "0 of 1 replicas are updated",
    ),
    (
        "partition above replicas",
        (
            "{spec: {replicas: 1, updateStrategy: {rollingUpdate: {partition: 5}}}, "
            "status: {observedGeneration: 2, replicas: 1, readyReplicas: 1, updatedReplicas: 0}}"
        ),
        "Current",
        "1 of 1",
    ),
    (
        "OnDelete updates none",
        (
            "{spec: {replicas: 2, updateStrategy: {type: OnDelete}}, "
            "status: {observedGeneration: 2, replicas: 2, readyReplicas: 2, updatedReplicas: 0}}"
        ),
        "Current",
        "OnDelete",
    ),
    (
        "OnDelete still needs ready replicas",
        "{spec: {replicas: 2, updateStrategy: {type: OnDelete}}, status: {observedGeneration: 2, replicas: 2}}",
        "InProgress",
        "0 of 2",
    ),
    ("0 replicas", "{spec: {replicas: 0}, status: {observedGeneration: 2}}", "Current", "0 of 0"),
]

DAEMON_SETS = [
    ("not seen", "{spec: {}}", "InProgress", "not seen"),
    (
        "ready",
        (
            "{status: {observedGeneration: 2, desiredNumberScheduled: 2, currentNumberScheduled: 2, "
            "updatedNumberScheduled: 2, numberReady: 2, numberAvailable: 2}}"
        ),
        "Current",
        "2 of 2",
    ),
    (
        "not scheduled",
        "{status: {observedGeneration: 2, desiredNumberScheduled: 2, currentNumberScheduled: 1}}",
        "InProgress",
        "1 of 2 pods are scheduled",
    ),
    (
        "not updated",
        (
            "{status: {observedGeneration: 2, desiredNumberScheduled: 2, currentNumberScheduled: 2, "
            "updatedNumberScheduled: 1, numberReady: 2, numberAvailable: 2}}"
        ),
        "InProgress",
        "1 of 2 pods are updated",
    ),
    (
        "not available",
        (
            "{status: {observedGeneration: 2, desiredNumberScheduled: 2, currentNumberScheduled: 2, "
            "updatedNumberScheduled: 2, numberReady: 2, numberAvailable: 1}}"
        ),
        "InProgress",
        "1 of 2 pods are ready",
    ),
    (
        "OnDelete",
        (
            "{spec: {updateStrategy: {type: OnDelete}}, status: {observedGeneration: 2, desiredNumberScheduled: 1, "
            "currentNumberScheduled: 1, numberReady: 1, numberAvailable: 1}}"
        ),
        "Current",
        "1 of 1",
    ),
    ("no node wants it", "{status: {observedGeneration: 2, desiredNumberScheduled: 0}}", "Current", "0 of 0"),
]

REPLICA_SETS = [
    (
        "ready",
        "{spec: {replicas: 1}, status: {observedGeneration: 2, replicas: 1, readyReplicas: 1, availableReplicas: 1}}",
        "Current",
        "1 of 1",
    ),
    (
        "not available",
        "{spec: {replicas: 1}, status: {observedGeneration: 2, replicas: 1, readyReplicas: 1}}",
        "InProgress",
        "0 of 1",
    ),
    (
        "a quota stops it",
        (
            "{spec: {replicas: 1}, status: {observedGeneration: 2, conditions: [{type: ReplicaFailure, status: 'True', "
            "reason: FailedCreate, message: exceeded quota}]}}"
        ),
        "InProgress",
        "exceeded quota",
    ),
    (
        "too many",
        "{spec: {replicas: 0}, status: {observedGeneration: 2, replicas: 1, readyReplicas: 1, availableReplicas: 1}}",
        "InProgress",
        "too many",
    ),
    ("not seen", "{spec: {replicas: 0}}", "InProgress", "not seen"),
]

PODS = [
    ("ready", "{status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}", "Current", "ready"),
    (
        "running, not ready",
        "{status: {phase: Running, containerStatuses: [{name: a, ready: false, state: {running: {}}}]}}",
        "InProgress",
        "NotReady",
    ),
    ("completed", "{status: {phase: Succeeded}}", "Current", "completed"),
    (
        "failed",
        "{status: {phase: Failed, reason: Evicted, message: low on memory}}",
        "Failed",
        "Evicted: low on memory",
    ),
    ("pending", "{status: {phase: Pending}}", "InProgress", "Pending"),
    ("no status", "{}", "InProgress", "not started"),
    (
        "unschedulable is not final",
        (
            "{status: {phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable, "
            "message: 0/2 nodes}]}}"
        ),
        "InProgress",
        "Unschedulable: 0/2 nodes",
    ),
    (
        "crash loop is not final",
        (
            "{status: {phase: Running, containerStatuses: [{name: a, restartCount: 9, "
            "state: {waiting: {reason: CrashLoopBackOff}}}]}}"
        ),
        "InProgress",
        "CrashLoopBackOff",
    ),
    (
        "an invalid image name is",
        "{status: {phase: Pending, containerStatuses: [{name: a, state: {waiting: {reason: InvalidImageName}}}]}}",
        "Failed",
        "InvalidImageName",
    ),
]

JOBS = [
    ("not seen", "{spec: {}}", "InProgress", "not seen"),
    ("running", "{status: {active: 1, startTime: x}}", "InProgress", "0 of 1 completions"),
    ("running with failures", "{status: {active: 1, failed: 2}}", "InProgress", "2 pods failed"),
    ("half done", "{spec: {completions: 4}, status: {succeeded: 2}}", "InProgress", "2 of 4 completions"),
    (
        "complete",
        "{status: {succeeded: 1, conditions: [{type: Complete, status: 'True'}]}}",
        "Current",
        "complete",
    ),
    (
        "failed",
        (
            "{status: {failed: 7, conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded, "
            "message: too many}]}}"
        ),
        "Failed",
        "BackoffLimitExceeded: too many",
    ),
    (
        "about to be failed",
        "{status: {conditions: [{type: FailureTarget, status: 'True', reason: DeadlineExceeded}]}}",
        "Failed",
        "DeadlineExceeded",
    ),
    (
        "a condition that is not true",
        "{status: {conditions: [{type: Failed, status: 'False'}]}}",
        "InProgress",
        "0 of 1",
    ),
    ("suspended", "{spec: {suspend: true}}", "Current", "suspended"),
]

CLAIMS = [
    ("bound", "{status: {phase: Bound}}", "Current", "bound"),
    ("lost", "{status: {phase: Lost}}", "Failed", "gone"),
    ("no status", "{spec: {storageClassName: fast}}", "InProgress", "not seen"),
    (
        "waits for its first consumer",
        "{spec: {storageClassName: fast}, status: {phase: Pending}}",
        "Current",
        "first pod",
    ),
    ("no class at all", "{spec: {}, status: {phase: Pending}}", "InProgress", "not bound"),
    (
        "being provisioned",
        (
            "{metadata: {generation: 2, annotations: {volume.kubernetes.io/storage-provisioner: csi}}, "
            "spec: {storageClassName: fast}, status: {phase: Pending}}"
        ),
        "InProgress",
        "not bound",
    ),
    (
        "its consumer has a node",
        (
            "{metadata: {generation: 2, annotations: {volume.kubernetes.io/selected-node: n1}}, "
            "spec: {storageClassName: fast}, status: {phase: Pending}}"
        ),
        "InProgress",
        "not bound",
    ),
    (
        "a volume was chosen by name",
        "{spec: {storageClassName: fast, volumeName: v1}, status: {phase: Pending}}",
        "InProgress",
        "not bound",
    ),
]

OTHERS = [
    ("ConfigMap", "{data: {}}", "Current", "exists"),
    ("Secret", "{data: {}}", "Current", "exists"),
    ("CronJob", "{spec: {suspend: true}}", "Current", "exists"),
    ("Ingress", "{status: {loadBalancer: {}}}", "Current", "exists"),
    ("NetworkPolicy", "{}", "Current", "exists"),
    ("Service", "{spec: {type: ClusterIP}}", "Current", "ready"),
    ("Service", "{spec: {type: LoadBalancer}, status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}}", "Current", "ready"),
    ("PodDisruptionBudget", "{}", "InProgress", "not seen"),
    (
        "PodDisruptionBudget",
        "{status: {expectedPods: 2, currentHealthy: 1, desiredHealthy: 2}}",
        "InProgress",
        "1 of 2",
    ),
    (
        "PodDisruptionBudget",
        "{status: {expectedPods: 2, currentHealthy: 2, desiredHealthy: 1}}",
        "Current",
        "2 pods are healthy",
    ),
    ("PodDisruptionBudget", "{status: {expectedPods: 0, currentHealthy: 0, desiredHealthy: 1}}", "Current", "no pods"),
    ("HorizontalPodAutoscaler", "{}", "Current", "ready"),
    ("Namespace", "{status: {phase: Active}}", "Current", "active"),
    ("Namespace", "{status: {phase: Terminating}}", "Terminating", "deleted"),
    ("Namespace", "{}", "InProgress", "not seen"),
    ("CustomResourceDefinition", "{}", "InProgress", "not established yet"),
    (
        "CustomResourceDefinition",
        "{status: {conditions: [{type: Established, status: 'True'}]}}",
        "Current",
        "established",
    ),
    (
        "CustomResourceDefinition",
        "{status: {conditions: [{type: Established, status: 'False', reason: Installing}]}}",
        "InProgress",
        "Installing",
    ),
    (
        "CustomResourceDefinition",
        "{status: {conditions: [{type: Established, status: 'False', reason: NotAccepted}]}}",
        "Failed",
        "NotAccepted",
    ),
    (
        "CustomResourceDefinition",
        (
            "{status: {conditions: [{type: NamesAccepted, status: 'False', reason: ListKindConflict}, "
            "{type: Established, status: 'True'}]}}"
        ),
        "Failed",
        "ListKindConflict",
    ),
    ("APIService", "{}", "InProgress", "not available"),
    ("APIService", "{status: {conditions: [{type: Available, status: 'True'}]}}", "Current", "available"),
    (
        "APIService",
        "{status: {conditions: [{type: Available, status: 'False', reason: MissingEndpoints}]}}",
        "InProgress",
        "MissingEndpoints",
    ),
]


def conditions(*said: str) -> str:
    """Return a body with conditions, each written as ``type=status@generation``."""
    made = []
    for one in said:
        kind, _, rest = one.partition("=")
        status, _, generation = rest.partition("@")
        made.append({"type": kind, "status": status} | ({"observedGeneration": int(generation)} if generation else {}))
    return yaml.safe_dump({"status": {"conditions": made}})


CUSTOM = [
    ("Ready is true", "{status: {conditions: [{type: Ready, status: 'True'}]}}", "Current", "Ready"),
    (
        "Ready is false",
        "{status: {conditions: [{type: Ready, status: 'False', reason: Starting, message: primary}]}}",
        "InProgress",
        "Starting: primary",
    ),
    ("Ready is unknown", "{status: {conditions: [{type: Ready, status: Unknown}]}}", "InProgress", "not Ready"),
    (
        "Ready is about an older generation",
        "{status: {conditions: [{type: Ready, status: 'True', observedGeneration: 1}]}}",
        "InProgress",
        "generation 1",
    ),
    (
        "Reconciling",
        "{status: {conditions: [{type: Reconciling, status: 'True', message: half way}, {type: Ready, status: 'True'}]}}",
        "InProgress",
        "half way",
    ),
    ("Stalled", "{status: {conditions: [{type: Stalled, status: 'True', reason: BadSpec}]}}", "Failed", "BadSpec"),
    ("numeric generation, older", "{status: {observedGeneration: 1}}", "InProgress", "generation 1 of 2"),
    ("string generation, older", "{status: {observedGeneration: '1'}}", "InProgress", "generation 1 of 2"),
    ("string generation, same", "{status: {observedGeneration: '2'}}", "Current", "seen by its controller"),
    ("a hash as generation", "{status: {observedGeneration: 5f7d9}}", "Current", "seen by its controller"),
    ("a generation from before a restore", "{status: {observedGeneration: 7}}", "Current", "seen by its controller"),
    ("conditions, none of them Ready", "{status: {conditions: [{type: Synced, status: 'True'}]}}", "Current", "seen"),
    ("Accepted is false", conditions("Accepted=False"), "InProgress", "Accepted=False"),
    ("Programmed is false", conditions("Accepted=True", "Programmed=False"), "InProgress", "Programmed=False"),
    ("Available is false", conditions("Available=False"), "InProgress", "Available=False"),
    ("Healthy is false", conditions("Healthy=False"), "InProgress", "Healthy=False"),
    ("Succeeded is false", conditions("Succeeded=False"), "InProgress", "Succeeded=False"),
    ("NotReady is true", conditions("NotReady=True"), "InProgress", "NotReady=True"),
    ("something failed", conditions("Synced=True", "BackupFailed=True"), "InProgress", "BackupFailed=True"),
    ("a failure", conditions("ReconcileFailure=True"), "InProgress", "ReconcileFailure=True"),
    ("an error", conditions("ReconcileError=True"), "InProgress", "ReconcileError=True"),
    ("degraded", conditions("Degraded=True"), "InProgress", "Degraded=True"),
    ("failing", conditions("Failing=True"), "InProgress", "Failing=True"),
    ("nothing failed", conditions("BackupFailed=False", "Degraded=False"), "Current", "seen by its controller"),
    ("Ready has the last word", conditions("Degraded=True", "Ready=True"), "Current", "Ready"),
    ("Accepted, and all is well", conditions("Accepted=True", "Programmed=True"), "Current", "seen"),
    ("an error of an older generation", conditions("Error=True@1", "Synced=True@2"), "Current", "seen"),
    ("only an older generation", conditions("Synced=True@1"), "InProgress", "about an older generation"),
    ("stalled for an older generation", conditions("Stalled=True@1", "Ready=True@2"), "Current", "Ready"),
    ("only defaults of its schema", conditions("Accepted=Unknown", "Programmed=Unknown"), "Unknown", "all its cond"),
    ("no status", "{}", "Unknown", "it has no status"),
    ("empty status", "{status: {}}", "Unknown", "it has no status"),
    ("a status of no convention", "{status: {phase: Creating}}", "Unknown", "follows no convention"),
    (
        "conditions of a wrong shape",
        "{status: {conditions: {Ready: true}}}",
        "Unknown",
        "follows no convention",
    ),
]


def table(kind: str, rows: list[tuple[str, str, str, str]]) -> list[object]:
    return [pytest.param(kind, body, status, message, id=f"{kind}: {title}") for title, body, status, message in rows]


@pytest.mark.parametrize(
    ("kind", "body", "status", "message"),
    [
        *table("Deployment", DEPLOYMENTS),
        *table("StatefulSet", STATEFUL_SETS),
        *table("DaemonSet", DAEMON_SETS),
        *table("ReplicaSet", REPLICA_SETS),
        *table("Pod", PODS),
        *table("Job", JOBS),
        *table("PersistentVolumeClaim", CLAIMS),
        *table("Cluster", CUSTOM),
        *OTHERS,
    ],
)
def test_a_body_means_a_status(kind: str, body: str, status: str, message: str) -> None:
    found = health_of(kind, body)
    assert found[0] == status
    assert message in found[1]


def test_a_load_balancer_has_a_minute_and_then_a_warning() -> None:
    body = "{spec: {type: LoadBalancer}, status: {loadBalancer: {}}}"
    assert health_of("Service", body, age_s=59.9)[0] == Status.IN_PROGRESS
    status, _, warning = health_of("Service", body, age_s=60.0)
    assert status == Status.CURRENT
    assert "60 s" in warning


def test_a_custom_resource_has_ten_seconds_to_get_a_status() -> None:
    assert health_of("Cluster", "{}", age_s=9.9)[0] == Status.IN_PROGRESS
    status, message, _ = health_of("Cluster", "{}", age_s=10.0)
    assert status == Status.UNKNOWN
    assert 'readiness in bundle.yaml; {match: {group: postgresql.example, kind: Cluster}, ready: "true"}' in message


def test_kinds_under_k8s_io_that_kubernetes_does_not_serve_are_custom() -> None:
    assert health_of("Gateway", "{}")[0] == Status.UNKNOWN


@pytest.mark.parametrize("kind", ["ServiceMonitor", "PodMonitor", "PrometheusRule"])
def test_a_kind_that_never_has_a_status_is_not_waited_for(kind: str) -> None:
    ref = ObjectRef("monitoring.coreos.com", kind, "default", "it")
    assert compute_health(ref, {"metadata": {"generation": 1}}, age_s=0.0).status is Status.CURRENT


def test_a_kind_that_never_has_a_status_may_say_something_all_the_same() -> None:
    ref = ObjectRef("networking.istio.io", "VirtualService", "default", "it")
    body: Body = yaml.safe_load(conditions("Reconciled=False", "Degraded=True"))
    assert compute_health(ref, body, age_s=0.0).status is Status.IN_PROGRESS


def test_schema_defaults_are_no_controller() -> None:
    status, message, _ = health_of("Gateway", conditions("Accepted=Unknown", "Programmed=Unknown"), age_s=0.0)
    assert (status, "no controller" in message) == (Status.IN_PROGRESS, True)


def test_a_read_from_before_our_write_is_not_ready() -> None:
    status, message, _ = health_of("Deployment", deployment(), min_generation=3)
    assert status == Status.IN_PROGRESS
    assert "generation 2 was read, 3 was written" in message


def test_an_autoscaler_without_metrics_is_ready_with_a_warning() -> None:
    body = "{status: {conditions: [{type: ScalingActive, status: 'False', reason: FailedGetResourceMetric}]}}"
    status, _, warning = health_of("HorizontalPodAutoscaler", body)
    assert status == Status.CURRENT
    assert "FailedGetResourceMetric" in warning
    off = "{status: {conditions: [{type: ScalingActive, status: 'False', reason: ScalingDisabled}]}}"
    assert health_of("HorizontalPodAutoscaler", off)[2] == ""


def test_a_paused_deployment_says_so() -> None:
    assert "resumed" in health_of("Deployment", deployment("replicas: 3, paused: true"))[2]


def test_progress_is_told_in_numbers() -> None:
    body: Body = yaml.safe_load(deployment(readyReplicas=1))
    found = compute_health(ObjectRef("apps", "Deployment", "default", "it"), body)
    assert (found.ready, found.wanted) == (1, 3)
