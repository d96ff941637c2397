"""Logs of the pods of a release. Layer: actions."""

from __future__ import annotations

import queue
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.actions.change.list_watch import list_live
from bundler.actions.change.pod_watch import containers_of, pod_selector
from bundler.actions.release.history import require_history
from bundler.concurrency import in_thread
from bundler.errors import BundlerError, UsageError
from bundler.errors.cluster import ForbiddenError
from bundler.model.cluster import ListQuery, LogQuery
from bundler.model.events import Warned
from bundler.model.json import Body, mapping_at, text_at
from bundler.model.lean import dataclass, replace
from bundler.model.names import release_uid
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.ports import Ports

_JOB_SELECTOR = "batch.kubernetes.io/job-name"
_FOLLOWED_AT_ONCE = 32
_LEAST_S = 5.0
"""For each container, even where the time is over."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line, and where it came from."""

    pod: str
    container: str
    text: str


@dataclass(frozen=True, slots=True)
class _Stream:
    pod: ObjectRef
    container: str


def release_logs(
    ports: Ports, namespace: str, release: str, query: LogQuery, *, component: str = ""
) -> Iterator[LogLine]:
    """Yield log lines of all pods of a release, pod after pod; side by side, as they come, when following.

    Args:
        ports: the cluster.
        namespace: of the release.
        release: its name.
        query: which lines; ``container`` empty is every container.
        component: keep the pods of one component alone.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        UsageError: when it has no such component or container.
        ForbiddenError: at the end, when no log may be read.
    """
    pods = pods_of_release(ports, namespace, release, component)
    streams = _streams(pods, query.container)
    if not pods:
        ports.report(Warned(f"no pods of release {release} are there"))
    elif not streams:
        raise _unknown("container", query.container, {name for pod in pods for name in containers_of(pod)})
    if query.is_following:
        if len(streams) > _FOLLOWED_AT_ONCE:
            left = f"{_FOLLOWED_AT_ONCE} of {len(streams)} containers are followed; --component or --container chooses"
            ports.report(Warned(left))
        yield from _follow(streams[:_FOLLOWED_AT_ONCE], ports, query)
        return
    refused: list[ForbiddenError] = []
    for number, stream in enumerate(streams):
        # A log without end takes its share of the time, and not that of the others.
        share_s = max(_LEAST_S, ports.remaining_s() / (len(streams) - number))
        yield from _read(stream, ports, replace(query, within_s=share_s), refused)
    _refuse_if_all(refused, streams)


def pods_of_release(ports: Ports, namespace: str, release: str, component: str = "") -> Sequence[Body]:
    """Return the pods of a release's workloads and Jobs, by namespace and name.

    Args:
        ports: the cluster.
        namespace: of the release.
        release: its name.
        component: keep the pods of one component alone.

    Raises:
        ReleaseNotFoundError: when there is no such release.
        UsageError: when it has no such component.
    """
    revision = ports.store.load(require_history(ports.store, namespace, release).summaries[-1])
    if component and all(component != entry.component for entry in revision.inventory):
        raise _unknown("component", component, {entry.component for entry in revision.inventory})
    refs = [e.ref for e in revision.inventory if component in {"", e.component}]
    live = list_live(refs, ports, uid=release_uid(namespace, release))
    found: dict[tuple[str, str], Body] = {}
    for ref, body in sorted(live.items()):
        labels = pod_selector(body) or ({_JOB_SELECTOR: ref.name} if ref.kind == "Job" else {})
        if labels:
            selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
            query = ListQuery(group="", kind="Pod", namespace=ref.namespace, label_selector=selector)
            pods = ports.cluster.list(query).items
            found |= {(ref.namespace, text_at(pod, "metadata", "name")): pod for pod in pods if _has_pods(ref)}
    return [pod for _, pod in sorted(found.items())]


def _unknown(what: str, name: str, known: Iterable[str]) -> UsageError:
    names = ", ".join(sorted(one for one in known if one)) or "none"
    return UsageError(
        f"choosing the pods of {what} {name}",
        context=[f"the release has these: {names}"],
        hint=f"name one of them, or leave --{what} out",
    )


def _has_pods(ref: ObjectRef) -> bool:
    """Policies and budgets select pods too, but do not own them."""
    return ref.group in {"apps", "batch"}


def _streams(pods: Sequence[Body], container: str) -> list[_Stream]:
    streams = []
    for pod in pods:
        meta = mapping_at(pod, "metadata")
        ref = ObjectRef("", "Pod", text_at(meta, "namespace"), text_at(meta, "name"))
        streams += [_Stream(ref, name) for name in containers_of(pod) if container in {"", name}]
    return streams


def _refuse_if_all(refused: Sequence[ForbiddenError], streams: Sequence[_Stream]) -> None:
    """Raise where no log may be read: nothing but that was shown.

    Raises:
        ForbiddenError: with the right that is missing.
    """
    if streams and len(refused) == len(streams):
        raise refused[-1]


def _read(stream: _Stream, ports: Ports, query: LogQuery, refused: list[ForbiddenError]) -> Iterator[LogLine]:
    """Yield a container's lines; why there are none is a line too, so that the others are still shown.

    Args:
        stream: the container.
        ports: the cluster.
        query: which lines.
        refused: takes the error where the log may not be read.
    """
    count = 0
    try:
        for text in ports.cluster.logs(stream.pod, replace(query, container=stream.container)):
            count += 1
            yield LogLine(stream.pod.name, stream.container, text)
    except BundlerError as error:
        if isinstance(error, ForbiddenError):
            refused.append(error)
        what = "cut" if count else "no log"
        yield LogLine(stream.pod.name, stream.container, f"[{what}: {'; '.join(error.context) or error}]")


def _pump(lines_of: Iterator[LogLine], lines: queue.Queue[LogLine | Exception | None]) -> None:
    """Put a container's lines into a queue, and None or what went wrong after the last."""
    try:
        for line in lines_of:
            lines.put(line)
    except Exception as error:  # noqa: BLE001 - raised again where the lines are taken
        lines.put(error)
    else:
        lines.put(None)


def _follow(streams: Sequence[_Stream], ports: Ports, query: LogQuery) -> Iterator[LogLine]:
    lines: queue.Queue[LogLine | Exception | None] = queue.Queue(maxsize=1000)
    refused: list[ForbiddenError] = []
    for stream in streams:
        in_thread(_pump, _read(stream, ports, query, refused), lines).start()
    still_open = len(streams)
    while still_open and not ports.is_stopped():
        if ports.remaining_s() <= 0:
            ports.report(Warned("the time for the command is over, but the logs continue; raise --timeout"))
            return
        try:
            line = lines.get(timeout=0.2)
        except queue.Empty:
            continue
        if isinstance(line, LogLine):
            yield line
        elif line is None:
            still_open -= 1
        else:
            raise line
    if not still_open:
        _refuse_if_all(refused, streams)
