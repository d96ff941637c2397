"""What containers of the sandbox write. Layer: sandbox, pure.

Source: the answers of a kubelet to requests for logs that do not exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.cluster import ObjectNotFoundError, RejectedError
from bundler.model.json import int_at, items_at, mapping_at, text_at
from bundler.sandbox import refusals

if TYPE_CHECKING:
    from bundler.model.cluster import LogQuery
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef


def log_lines(pod: Body, ref: ObjectRef, query: LogQuery) -> list[str]:
    """Return the lines that a container has written so far.

    Args:
        pod: as stored.
        ref: of the pod.
        query: which container and lines.

    Raises:
        RejectedError: when there is no such container, or it has no log yet.
    """
    name = _container(pod, ref, query.container)
    if not text_at(pod, "spec", "nodeName"):
        return []  # No kubelet to ask: the API server answers with nothing, and no error.
    statuses = [*items_at(pod, "status", "initContainerStatuses"), *items_at(pod, "status", "containerStatuses")]
    status = next((one for one in statuses if one.get("name") == name), {})
    if query.is_previous and not mapping_at(status, "lastState", "terminated"):
        raise _refused(ref, f'previous terminated container "{name}" in pod "{ref.name}" not found')
    waiting = mapping_at(status, "state", "waiting")
    if (waiting or not status) and not mapping_at(status, "lastState"):
        reason = text_at(waiting, "reason") or "ContainerCreating"
        raise _refused(ref, f'container "{name}" in pod "{ref.name}" is waiting to start: {_why(reason)}')
    lines = _written(ref.name, name, status)
    return lines if query.tail_lines is None else lines[max(len(lines) - query.tail_lines, 0) :]


def missing_pod(ref: ObjectRef) -> ObjectNotFoundError:
    """Answer for the log of a pod that is gone."""
    return ObjectNotFoundError(
        refusals.doing("reading the log of", ref),
        context=[f'pods "{ref.name}" not found'],
        hint="list the release's pods again: this one was replaced",
    )


def _container(pod: Body, ref: ObjectRef, wanted: str) -> str:
    names = [text_at(one, "name") for one in items_at(pod, "spec", "containers")]
    known = [text_at(one, "name") for one in items_at(pod, "spec", "initContainers")] + names
    if wanted and wanted not in known:
        raise _refused(ref, f"container {wanted} is not valid for pod {ref.name}")
    if not wanted and len(names) > 1:
        raise _refused(ref, f"a container name must be specified for pod {ref.name}, choose one of: {names}")
    return wanted or names[0]


def _written(pod: str, container: str, status: Body) -> list[str]:
    lines = [f"{pod} {container}: starting", f"{pod} {container}: configuration read"]
    if mapping_at(status, "lastState", "terminated") or int_at(status, "state", "terminated", "exitCode"):
        return [*lines, "FATAL: the sandbox was asked to let this container fail"]
    lines.append(f"{pod} {container}: ready to serve")
    return [*lines, f"{pod} {container}: done"] if mapping_at(status, "state", "terminated") else lines


def _why(reason: str) -> str:
    return "trying and failing to pull image" if reason == "ImagePullBackOff" else reason


def _refused(ref: ObjectRef, why: str) -> RejectedError:
    return RejectedError(
        refusals.doing("reading the log of", ref),
        context=[why],
        hint="wait until the container has started, or name another one",
    )
