"""Wait for the Jobs of hooks, and say all that is known of one that failed. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.actions.change.diagnostics import log_tail
from bundler.actions.change.list_watch import list_live
from bundler.actions.change.pod_watch import containers_of, list_pods, pod_selector
from bundler.actions.change.wait import WaitRules, wait_until_ready
from bundler.errors import BundlerError, Found
from bundler.errors.change import HookFailedError, ObjectFailedError
from bundler.health.pods import PodProblem, pod_problem
from bundler.health.workloads import job_health
from bundler.model.change import Action, Change
from bundler.model.cluster import LogQuery
from bundler.model.events import Notice
from bundler.model.health import Status
from bundler.model.json import Body, int_at, items_at, text_at
from bundler.model.refs import ObjectRef
from bundler.model.size import counted

if TYPE_CHECKING:
    from bundler.actions.change.run_control import Guard
    from bundler.ports import Ports

LOG_LINES = 50


def wait_for_hooks(changes: Sequence[Change], ports: Ports, rules: WaitRules, guard: Guard) -> None:
    """Return when the Jobs of hooks are complete.

    Args:
        changes: of the Jobs.
        ports: the cluster, records, clock and reporter of the run.
        rules: how to wait, and where to note what has finished.
        guard: stops the wait when the run must not continue.

    Raises:
        HookFailedError: when one failed, with what its containers said.
        WaitTimeoutError: when the command's budget ended first.
        InterruptedRunError, LockLostError: when the run must not continue.
    """
    try:
        wait_until_ready(changes, ports, rules, guard)
    except ObjectFailedError as error:
        live = list_live((change.ref for change in changes), ports, uid=rules.uid)
        failed = [(change, live[change.ref]) for change in changes if _has_failed(live.get(change.ref))]
        lines = [line for change, body in failed for line in failure_lines(change, body, ports)]
        raise HookFailedError("running hooks", context=lines or error.context, hint=error.hint) from error
    if rules.tells_logs:
        for job in list_live((change.ref for change in changes), ports, uid=rules.uid).values():
            _tell_log(job, ports)


def _tell_log(job: Body, ports: Ports) -> None:
    """Report what the pods of a Job printed; what cannot be read is left out."""
    for pod in _pods_of(job, ports):
        ref = ObjectRef("", "Pod", text_at(pod, "metadata", "namespace"), text_at(pod, "metadata", "name"))
        for container in containers_of(pod):
            query = LogQuery(container=container, tail_lines=LOG_LINES, is_tried_once=True)
            try:
                lines = list(ports.cluster.logs(ref, query))
            except BundlerError:
                continue
            for line in lines:
                ports.report(Notice(ports.redactor.redact(f"{text_at(job, 'metadata', 'name')} | {line}")))


def _has_failed(job: Body | None) -> bool:
    return job is not None and job_health(job).status is Status.FAILED


def failure_lines(change: Change, job: Body, ports: Ports) -> Iterator[str]:
    """Yield what is known of a Job that failed: where it is from, its container, and the last lines of its log.

    What cannot be read is left out.

    Args:
        change: what was planned for it.
        job: as it is.
        ports: the cluster.
    """
    pods = list(_failed_pods(job, ports))
    attempts = max(int_at(job, "status", "failed"), len(pods), 1)
    why = job_health(job).message
    if pods:
        attempts += sum(int_at(one, "restartCount") for one in items_at(pods[-1][0], "status", "containerStatuses"))
        why = f"{_words(pods[-1][1])} after {counted(attempts, 'attempt')}; {why}"
    source = change.desired.source if change.desired else None
    what = f"hook {change.hook}" if change.hook else "check"
    yield Found(
        f"{what} {change.ref.short} ({source}) failed: {why}",
        message=why,
        subject=change.ref.short,
        **({"file": source.file, "line": source.line} if source else {}),
    )
    if pods:
        yield from (f"  log | {line}" for line in log_tail(*pods[-1], ports, lines=LOG_LINES))


def _words(problem: PodProblem) -> str:
    said = f": {problem.message}" if problem.message else ""
    if problem.exit_code is None:
        return f"{problem.reason}{said}"
    return f"container {problem.container} exit code {problem.exit_code}{said}"


def _failed_pods(job: Body, ports: Ports) -> Iterator[tuple[Body, PodProblem]]:
    """Yield the pods of a Job that failed, the last one last."""
    for pod in _pods_of(job, ports):
        if (problem := pod_problem(pod)) is not None:
            yield pod, problem


def _pods_of(job: Body, ports: Ports) -> Sequence[Body]:
    """Return the pods of a Job, the newest last; none where they cannot be listed."""
    labels = pod_selector(job)
    try:
        pods = list_pods(ports, text_at(job, "metadata", "namespace"), labels) if labels else ()
    except BundlerError:
        return ()
    return sorted(pods, key=lambda one: text_at(one, "metadata", "creationTimestamp"))


def deletion_of(change: Change, live: Body) -> Change:
    """Return the change that deletes an object which the run has written."""
    return Change(
        ref=change.ref,
        action=Action.DELETE,
        component=change.component,
        before=live,
        live_uid=text_at(live, "metadata", "uid"),
    )
