"""Readiness of Deployments, StatefulSets, DaemonSets, ReplicaSets, Pods and Jobs, gone ones too. Layer: rules, pure.

Source: sigs.k8s.io/cli-utils, pkg/kstatus/status/core.go; where we differ, docs/readiness.md says why.
"""

from __future__ import annotations

from bundler.health.generic import condition, current, explain, failed, has_condition, in_progress, observed_generation
from bundler.health.pods import pod_problem
from bundler.model.health import Health, Status
from bundler.model.json import Body, int_at, mapping_at, text_at, value_at


def deployment_health(body: Body) -> Health:
    """Judge a Deployment: every replica updated, available, and none of the old ones left."""
    deadline = condition(body, "Progressing")
    if deadline.get("reason") == "ProgressDeadlineExceeded":
        return failed(explain(deadline) + _replica_failure(body))
    if unseen := _unseen(body):
        return unseen
    if value_at(body, "spec", "paused") is True:
        return current("paused", warning="it is paused: its pods are not brought up to date until it is resumed")
    wanted = int_at(body, "spec", "replicas", default=1)
    updated = int_at(body, "status", "updatedReplicas")
    ready = min(updated, int_at(body, "status", "readyReplicas"), int_at(body, "status", "availableReplicas"))
    if wanted == 0 and int_at(body, "status", "replicas") == 0:
        return current("scaled to 0", 0, 0)
    if missing := _missing_in_rollout(body, wanted, updated, ready):
        return in_progress(missing, ready, wanted)
    return current(f"{ready} of {wanted} replicas are ready", ready, wanted)


def _missing_in_rollout(body: Body, wanted: int, updated: int, ready: int) -> str:
    """Return what is left to do, in the order in which a rollout does it; empty where nothing is."""
    if updated < wanted:
        return f"{updated} of {wanted} replicas are updated{_replica_failure(body)}"
    if (total := int_at(body, "status", "replicas")) > wanted:
        return f"{total - wanted} old replicas are still there"
    if ready < wanted:
        return f"{ready} of {wanted} replicas are ready{_replica_failure(body)}"
    if not _is_rolled_out(body):
        return explain(condition(body, "Progressing"), "its rollout is not finished")
    if not has_condition(body, "Available"):
        return explain(condition(body, "Available"), "not Available")
    return ""


def _is_rolled_out(body: Body) -> bool:
    """Return whether the Progressing condition says so; without a deadline there is no such condition."""
    if int_at(body, "spec", "progressDeadlineSeconds", default=600) >= 2**31 - 1:
        return True
    found = condition(body, "Progressing")
    return found.get("status") == "True" and found.get("reason") == "NewReplicaSetAvailable"


def _replica_failure(body: Body) -> str:
    if not has_condition(body, "ReplicaFailure"):
        return ""
    return f"; {explain(condition(body, 'ReplicaFailure'), 'ReplicaFailure')}"


def _unseen(body: Body) -> Health | None:
    """Return InProgress for an object that its controller has not checked even once."""
    if observed_generation(value_at(body, "status", "observedGeneration")) is None:
        return in_progress("its controller has not seen it yet")
    return None


def stateful_set_health(body: Body) -> Health:
    """Judge a StatefulSet: all replicas ready; all but those below the partition updated; OnDelete updates none."""
    if unseen := _unseen(body):
        return unseen
    wanted = int_at(body, "spec", "replicas", default=1)
    total, ready = int_at(body, "status", "replicas"), int_at(body, "status", "readyReplicas")
    if total > wanted:
        return in_progress(f"{total - wanted} replicas too many are still there", ready, wanted)
    if ready < wanted:
        return in_progress(f"{ready} of {wanted} replicas are ready", ready, wanted)
    if text_at(body, "spec", "updateStrategy", "type") == "OnDelete":
        return current(f"{ready} of {wanted} replicas are ready (OnDelete: old ones stay until deleted)", ready, wanted)
    partition = int_at(body, "spec", "updateStrategy", "rollingUpdate", "partition")
    updated, to_update = int_at(body, "status", "updatedReplicas"), max(0, wanted - partition)
    if updated < to_update:
        return in_progress(f"{updated} of {to_update} replicas are updated", ready, wanted)
    return current(f"{ready} of {wanted} replicas are ready", ready, wanted)


def daemon_set_health(body: Body) -> Health:
    """Judge a DaemonSet: updated and available on every node it is meant for."""
    if unseen := _unseen(body):
        return unseen
    wanted = int_at(body, "status", "desiredNumberScheduled")
    ready = min(int_at(body, "status", "numberReady"), int_at(body, "status", "numberAvailable"))
    placed, updated = int_at(body, "status", "currentNumberScheduled"), int_at(body, "status", "updatedNumberScheduled")
    if placed < wanted:
        return in_progress(f"{placed} of {wanted} pods are scheduled", ready, wanted)
    is_on_delete = text_at(body, "spec", "updateStrategy", "type") == "OnDelete"
    if updated < wanted and not is_on_delete:
        return in_progress(f"{updated} of {wanted} pods are updated", ready, wanted)
    if ready < wanted:
        return in_progress(f"{ready} of {wanted} pods are ready", ready, wanted)
    return current(f"{ready} of {wanted} pods are ready", ready, wanted)


def replica_set_health(body: Body) -> Health:
    """Judge a ReplicaSet: exactly the wanted number of replicas, all available."""
    if unseen := _unseen(body):
        return unseen
    wanted, total = int_at(body, "spec", "replicas", default=1), int_at(body, "status", "replicas")
    ready = min(int_at(body, "status", "readyReplicas"), int_at(body, "status", "availableReplicas"))
    if ready < wanted:
        return in_progress(f"{ready} of {wanted} replicas are ready{_replica_failure(body)}", ready, wanted)
    if total > wanted:
        return in_progress(f"{total - wanted} replicas too many are still there", ready, wanted)
    return current(f"{ready} of {wanted} replicas are ready", ready, wanted)


def pod_health(body: Body) -> Health:
    """Judge a pod that stands by itself; whether a repeating failure is final is for ``pods.is_final`` to say."""
    problem = pod_problem(body)
    match text_at(body, "status", "phase"):
        case "Succeeded":
            return current("completed")
        case "Failed":
            return failed(str(problem) if problem else "its containers failed")
        case "Running" if has_condition(body, "Ready"):
            return current("ready", 1, 1)
        case phase:
            if problem and problem.is_terminal_now:
                return failed(str(problem))
            return in_progress(str(problem) if problem else phase or "not started", 0, 1)


def job_health(body: Body) -> Health:
    """Judge a Job: Complete or Failed; a running one is on its way, a suspended one has nothing to wait for."""
    done = int_at(body, "status", "succeeded")
    wanted = int_at(body, "spec", "completions", default=int_at(body, "spec", "parallelism", default=1))
    for kind in ("Failed", "FailureTarget"):
        if has_condition(body, kind):
            return failed(explain(condition(body, kind), "failed"))
    if has_condition(body, "Complete"):
        return current("complete", done, wanted)
    if value_at(body, "spec", "suspend") is True:
        return current("suspended", done, wanted)
    if not mapping_at(body, "status"):
        return in_progress("its controller has not seen it yet", 0, wanted)
    failures = int_at(body, "status", "failed")
    tail = f"; {failures} pods failed" if failures else ""
    return in_progress(f"{done} of {wanted} completions{tail}", done, wanted)


def is_complete(job: Body) -> bool:
    """Return whether a Job did its work."""
    return has_condition(job, "Complete")


def gone_job_health(spec: Body, last: Body | None) -> Health:
    """Judge a Job that was there and is gone: ``ttlSecondsAfterFinished`` may delete it before anyone saw it finished.

    Args:
        spec: the Job as it was written.
        last: what it looked like when it was last seen; None where that is not known.
    """
    seen = last or {}
    if (judged := job_health(seen)).status is Status.FAILED:
        return judged
    if is_complete(seen) or _goes_by_itself(spec) or _goes_by_itself(seen):
        return current("has run, and is gone")
    return Health(Status.NOT_FOUND, "it was deleted before it had finished")


def _goes_by_itself(job: Body) -> bool:
    return "ttlSecondsAfterFinished" in mapping_at(job, "spec") and value_at(job, "spec", "suspend") is not True
