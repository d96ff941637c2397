"""Jobs; the schedules of CronJobs are not run. Layer: sandbox, pure over a store.

Source: Kubernetes, "Jobs" (completions, parallelism, backoffLimit, activeDeadlineSeconds, ttlSecondsAfterFinished).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.json import int_at, items_at, list_at, mapping_at, text_at, value_at
from bundler.sandbox.controllers.replicas import warned_problem
from bundler.sandbox.controllers.world import is_leaving, is_pod_ready, pod_from, seconds_of, short_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bundler.model.json import Body
    from bundler.sandbox.controllers.world import World
    from bundler.sandbox.store import Tree

WATCHED = frozenset({("batch", "Job"), ("", "Pod"), ("", "ServiceAccount")})


def run_jobs(world: World) -> None:
    """Move every Job a step towards its completions."""
    for job in world.staying("batch", "Job"):
        if is_finished(job):
            _expire(world, job)
        else:
            _sync(world, job)


def is_finished(job: Body) -> bool:
    """Return whether a Job is complete or has failed."""
    conditions = items_at(job, "status", "conditions")
    return any(one.get("type") in ("Complete", "Failed") and one.get("status") == "True" for one in conditions)


def _expire(world: World, job: Body) -> None:
    if "ttlSecondsAfterFinished" not in mapping_at(job, "spec"):
        return
    ends = [text_at(one, "lastTransitionTime") for one in items_at(job, "status", "conditions")]
    due_s = max(map(seconds_of, ends)) + int_at(job, "spec", "ttlSecondsAfterFinished")
    if due_s <= world.now_s:
        world.delete(job)
    else:
        world.wake_at(due_s)


def _sync(world: World, job: Body) -> None:
    pods = world.owned(job, "", "Pod")
    done = [pod for pod in pods if text_at(pod, "status", "phase") == "Succeeded"]
    failed = [pod for pod in pods if text_at(pod, "status", "phase") == "Failed"]
    active = [pod for pod in pods if pod not in done and pod not in failed and not is_leaving(pod)]
    is_suspended = value_at(job, "spec", "suspend") is True
    if end := _suspended(world) if is_suspended else _end(world, job, active, done, failed):
        for pod in active:
            world.delete(pod)
        _write(world, job, (), done, failed, end)
        return
    active = [*active, *_start(world, job, active, done, failed)]
    _write(world, job, active, done, failed, [])


def _start(world: World, job: Body, active: Sequence[Body], done: Sequence[Body], failed: Sequence[Body]) -> list[Body]:
    """Create the pods that may run now."""
    left = int_at(job, "spec", "completions", default=1) - len(done) - len(active)
    room = min(int_at(job, "spec", "parallelism", default=1) - len(active), left)
    if room <= 0 or warned_problem(world, job, "job-controller"):
        return []
    made = []
    for index in range(room):
        salt = f"{text_at(job, 'metadata', 'uid')}/{len(failed)}/{len(done)}/{len(active)}/{index}"
        name = f"{text_at(job, 'metadata', 'name')}-{short_hash(salt, 5)}"
        labels = {"job-name": text_at(job, "metadata", "name"), "controller-uid": text_at(job, "metadata", "uid")}
        made.append(world.create("", "Pod", pod_from(value_at(job, "spec", "template"), job, name, labels)))
    return made


def _end(world: World, job: Body, active: Sequence[Body], done: Sequence[Body], failed: Sequence[Body]) -> list[Tree]:
    """Return the conditions of a Job that has ended, none where it has not."""
    if len(done) >= int_at(job, "spec", "completions", default=1):
        words = "Reached expected number of succeeded pods"
        return _ended("Complete", "SuccessCriteriaMet", "CompletionsReached", words, world.time)
    limit = int_at(job, "spec", "backoffLimit", default=6)
    if len(failed) + _restarts(active) > limit:
        words = "Job has reached the specified backoff limit"
        world.warn(job, "BackoffLimitExceeded", words, component="job-controller")
        return _ended("Failed", "FailureTarget", "BackoffLimitExceeded", words, world.time)
    deadline = value_at(job, "spec", "activeDeadlineSeconds")
    started = text_at(job, "status", "startTime")
    if isinstance(deadline, int) and started:
        due_s = seconds_of(started) + deadline
        if due_s <= world.now_s:
            words = "Job was active longer than specified deadline"
            world.warn(job, "DeadlineExceeded", words, component="job-controller")
            return _ended("Failed", "FailureTarget", "DeadlineExceeded", words, world.time)
        world.wake_at(due_s)
    return []


def _restarts(pods: Sequence[Body]) -> int:
    return sum(int_at(one, "restartCount") for pod in pods for one in items_at(pod, "status", "containerStatuses"))


def _ended(kind: str, before: str, reason: str, message: str, time: str) -> list[Tree]:
    said = {"status": "True", "reason": reason, "message": message, "lastProbeTime": time, "lastTransitionTime": time}
    return [{"type": before, **said}, {"type": kind, **said}]


def _suspended(world: World) -> list[Tree]:
    said = {"status": "True", "reason": "JobSuspended", "message": "Job suspended"}
    return [{"type": "Suspended", **said, "lastProbeTime": world.time, "lastTransitionTime": world.time}]


def _write(
    world: World,
    job: Body,
    active: Sequence[Body],
    done: Sequence[Body],
    failed: Sequence[Body],
    conditions: Sequence[Tree],
) -> None:
    old = mapping_at(job, "status")
    counts = {"active": len(active), "succeeded": len(done), "failed": len(failed)}
    status: Tree = {key: value for key, value in counts.items() if value}
    status["ready"] = sum(is_pod_ready(pod) for pod in active)
    status["terminating"] = 0
    status["uncountedTerminatedPods"] = {}
    known = {text_at(one, "type"): one for one in items_at(old, "conditions")}
    said: list[Mapping[str, object]] = [known.get(one["type"], one) for one in conditions]
    if said:
        status["conditions"] = said
    if not any(one.get("type") == "Suspended" for one in conditions):
        status["startTime"] = text_at(old, "startTime") or world.time
    if any(one.get("type") == "Complete" for one in conditions):
        status["completionTime"] = world.time
    if list_at(old, "conditions") or status != old:
        world.set_status(job, status)
