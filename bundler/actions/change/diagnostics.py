"""Gather what explains an object that is not ready, before anything is undone. Layer: actions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from bundler.errors import BundlerError, Found, respelled
from bundler.errors.cluster import ForbiddenError
from bundler.health.pods import PodProblem, has_started
from bundler.model.cluster import ListQuery, LogQuery
from bundler.model.events import Warned
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
    subjects = {(ref.kind, ref.name): text_at(one.body, "metadata", "uid")}
    if troubled is not None:
        pod, problem = troubled
        name = text_at(pod, "metadata", "name")
        subjects["Pod", name] = text_at(pod, "metadata", "uid")
        yield Found(f"  pod {name}: {problem}", message=str(problem), subject=f"Pod/{name}")
        for claim, state in pods.claims(pod, problem).items():
            subjects["PersistentVolumeClaim", claim] = ""
            yield f"  claim {claim}: {state}"
    yield from (f"  event {line}" for line in _warnings(ref.namespace, subjects, ports))
    if troubled is not None:
        yield from (f"  log | {line}" for line in log_tail(*troubled, ports))


def _conditions(body: Body | None) -> Iterable[str]:
    for condition in items_at(body, "status", "conditions"):
        is_bad = condition.get("status") == "False" or condition.get("type") in {"Failed", "ReplicaFailure", "Stalled"}
        if is_bad and (message := text_at(condition, "message")):
            yield f"condition {text_at(condition, 'type')}={text_at(condition, 'status')}: {message}"


def _warnings(namespace: str, subjects: Mapping[tuple[str, str], str], ports: Ports) -> Sequence[str]:
    """Return the last warnings about objects, each kind of them once.

    Args:
        namespace: of the objects; empty for those of the cluster.
        subjects: kind and name of each, and its uid where that is known: what another of its name did is not told.
        ports: the cluster.
    """
    try:
        query = ListQuery(group="", kind="Event", namespace=namespace, field_selector="type=Warning")
        events = ports.cluster.list(query).items if namespace else ()
    except ForbiddenError as error:
        ports.report(unread("events", error))
        return ()
    except BundlerError:
        return ()
    mine = [event for event in events if _is_about(event, subjects)]
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


def _is_about(event: Body, subjects: Mapping[tuple[str, str], str]) -> bool:
    """Return whether an event is about one of the objects, or a Deployment's ReplicaSet: its name, and a hash."""
    kind, name, uid = (text_at(event, "involvedObject", key) for key in ("kind", "name", "uid"))
    if kind == "ReplicaSet" and ("Deployment", name.rpartition("-")[0]) in subjects:
        return True
    ours = subjects.get((kind, name))
    return ours is not None and (not ours or not uid or ours == uid)


def unread(what: str, error: ForbiddenError) -> Warned:
    """Return the warning that something could not be read that would say why objects are not ready.

    Args:
        what: was to be read: ``pods``.
        error: names the right that is missing.
    """
    return Warned(f"what {what} say of objects that are not ready is left out: {'; '.join(error.context)}")


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
        except ForbiddenError as error:
            ports.report(unread("logs", error))
            return ()
        except BundlerError:
            continue
        if printed:
            return printed[-lines:]
    return ()
