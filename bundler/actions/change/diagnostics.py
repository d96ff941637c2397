"""Gather what explains an object that is not ready, before anything is undone. Layer: actions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from bundler.errors import BundlerError, Found, respelled
from bundler.health.pods import PodProblem, has_started
from bundler.model.cluster import ListQuery, LogQuery
from bundler.model.json import Body, items_at, mapping_at, text_at
from bundler.model.lean import dataclass
from bundler.model.refs import ObjectRef
from bundler.model.size import counted, shortened

if TYPE_CHECKING:
    from bundler.model.change import Change
    from bundler.model.health import Health
    from bundler.ports import Ports

_EVENTS = 5
_LOG_LINES = 20
_OBJECTS = 10
_LINE_CHARS = 400
_POD_SUFFIX = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b")
"""Kubernetes makes names out of these letters. Source: apimachinery ``util/rand``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unready:
    """One object that is not ready, as last seen."""

    change: Change
    health: Health
    body: Body | None


class Troubled(Protocol):
    """Knows the pods behind workloads, and what is wrong with them."""

    def troubled(self, ref: ObjectRef) -> tuple[Body, PodProblem] | None:
        """Return a pod of a workload, and its problem."""
        ...

    def claims(self, pod: Body, problem: PodProblem) -> Mapping[str, str]:
        """Return name and state of the claims that hold a pod up."""
        ...


def gather_evidence(unready: Sequence[Unready], pods: Troubled, ports: Ports) -> tuple[str, ...]:
    """Return lines on each object: its state, its pod's reason, the last warnings, the last log lines.

    What cannot be read is left out: the evidence must never hide the failure it explains.

    Args:
        unready: objects that are not ready.
        pods: of the release, as last read.
        ports: the cluster, records, clock and reporter of the run.
    """
    shown = sorted(unready, key=lambda one: one.change.ref)[:_OBJECTS]
    lines = [line for one in shown for line in _lines_on(one, pods, ports)]
    if len(unready) > _OBJECTS:
        lines.append(f"and {counted(len(unready) - _OBJECTS, 'more object')}")
    return tuple(respelled(line, lambda text: shortened(text, _LINE_CHARS)) for line in lines)


def _lines_on(one: Unready, pods: Troubled, ports: Ports) -> Iterable[str]:
    ref, source = one.change.ref, one.change.desired.source if one.change.desired else None
    count = f" {one.health.ready}/{one.health.wanted} ready" if one.health.wanted is not None else ""
    where = f" (from {source})" if source else ""
    state = f"{one.health.status}: {one.health.message}"
    yield Found(
        f"{ref.short} in {ref.namespace or 'the cluster'}{where}:{count} {state}",
        message=state,
        subject=ref.short,
        **({"file": source.file, "line": source.line} if source else {}),
    )
    yield from (f"  {line}" for line in _conditions(one.body))
    troubled = pods.troubled(ref)
    subjects = {ref.name}
    if troubled is not None:
        pod, problem = troubled
        name = text_at(pod, "metadata", "name")
        subjects.add(name)
        yield Found(f"  pod {name}: {problem}", message=str(problem), subject=f"Pod/{name}")
        for claim, state in pods.claims(pod, problem).items():
            subjects.add(claim)
            yield f"  claim {claim}: {state}"
    yield from (f"  event {line}" for line in _warnings(ref.namespace, subjects, ports))
    if troubled is not None:
        yield from (f"  log | {line}" for line in log_tail(*troubled, ports))


def _conditions(body: Body | None) -> Iterable[str]:
    for condition in items_at(body, "status", "conditions"):
        is_bad = condition.get("status") == "False" or condition.get("type") in {"Failed", "ReplicaFailure", "Stalled"}
        if is_bad and (message := text_at(condition, "message")):
            yield f"condition {text_at(condition, 'type')}={text_at(condition, 'status')}: {message}"


def _warnings(namespace: str, subjects: set[str], ports: Ports) -> Sequence[str]:
    try:
        query = ListQuery(group="", kind="Event", namespace=namespace, field_selector="type=Warning")
        events = ports.cluster.list(query).items if namespace else ()
    except BundlerError:
        return ()
    mine = [event for event in events if _subject(event) in subjects or _parent(event) in subjects]
    mine.sort(key=event_time)
    told: dict[tuple[str, str], str] = {}
    for event in mine:
        kind = _kind_of(event)
        told.pop(kind, None)
        told[kind] = f"{text_at(event, 'reason')}: {text_at(event, 'message')}"
    return list(told.values())[-_EVENTS:]


def _kind_of(event: Body) -> tuple[str, str]:
    """Return what is the same in events that differ by the pod they could not make."""
    message = text_at(event, "message").removeprefix("(combined from similar events): ")
    return text_at(event, "reason"), _POD_SUFFIX.sub("", message)


def _subject(event: Body) -> str:
    return text_at(event, "involvedObject", "name")


def _parent(event: Body) -> str:
    """A ReplicaSet's events tell about its Deployment: its name is the Deployment's and a hash."""
    is_replica_set = text_at(event, "involvedObject", "kind") == "ReplicaSet"
    return _subject(event).rpartition("-")[0] if is_replica_set else ""


def event_time(event: Body) -> str:
    """Return when an event was last seen."""
    return text_at(event, "lastTimestamp") or text_at(event, "eventTime") or text_at(event, "firstTimestamp")


def log_tail(pod: Body, problem: PodProblem, ports: Ports, *, lines: int = _LOG_LINES) -> Sequence[str]:
    """Return the last lines that a troubled container printed; nothing where they cannot be read.

    Args:
        pod: that is in trouble.
        problem: names the container.
        ports: the cluster.
        lines: at most so many.
    """
    container = problem.container or next((text_at(c, "name") for c in items_at(pod, "spec", "containers")), "")
    if not has_started(pod, container):
        return ()
    meta = mapping_at(pod, "metadata")
    ref = ObjectRef("", "Pod", text_at(meta, "namespace"), text_at(meta, "name"))
    for is_previous in (True, False) if problem.restarts else (False,):
        try:
            query = LogQuery(container=container, tail_lines=lines, is_previous=is_previous, is_tried_once=True)
            printed = list(ports.cluster.logs(ref, query))
        except BundlerError:
            continue
        if printed:
            return printed[-lines:]
    return ()
