"""The pods behind workloads that are waited for, and the volume claims that hold them up. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.actions.change.diagnostics import event_time, unread
from bundler.concurrency import map_parallel
from bundler.errors import BundlerError
from bundler.errors.cluster import ForbiddenError
from bundler.health.pods import FailFast, PodHistory, PodProblem, is_final, observe_pod, pod_problem
from bundler.model.cluster import ListQuery
from bundler.model.json import Body, by_label, items_at, mapping_at, text_at
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.model.events import Event
    from bundler.ports import Ports, Reporter

PATIENCE_S = 1.0
"""Pods are checked only for what is not ready after this long, and not more often; most never are."""
FEW_WORKLOADS = 8
"""Of one namespace: so many lists by labels cost less than one of all its pods, which may be thousands."""
_HASH_LABELS = ("pod-template-hash", "controller-revision-hash", "batch.kubernetes.io/controller-uid")


class PodWatch:
    """What the pods of unready workloads say, look after look."""

    def __init__(self, ports: Ports, fail_fast: FailFast) -> None:
        self._ports, self._fail_fast = replace(ports, report=_once(ports.report)), fail_fast
        self._histories: dict[str, PodHistory] = {}
        self._problems: dict[ObjectRef, tuple[Body, PodProblem]] = {}
        self._told: dict[ObjectRef, str] = {}
        self._final: set[ObjectRef] = set()
        self._claims = ClaimWatch(ports)
        self._looked_s = 0.0

    def look(self, workloads: Mapping[ObjectRef, Body], *, age_s: float) -> None:
        """Read the pods of workloads, and judge them."""
        selecting = {ref: body for ref, body in workloads.items() if pod_selector(body)}
        if age_s - self._looked_s < PATIENCE_S or not selecting:
            return
        self._looked_s, self._problems, self._final = age_s, {}, set()
        for ref, pods in list_newest_pods(self._ports, selecting):
            self._judge(ref, pods)

    def _judge(self, ref: ObjectRef, pods: Iterable[Body]) -> None:
        now_s = self._ports.clock.monotonic()
        for pod in pods:
            uid = text_at(pod, "metadata", "uid")
            history = observe_pod(self._histories.get(uid, PodHistory()), pod, now_s=now_s)
            self._histories[uid] = history
            problem = pod_problem(pod)
            if problem is None:
                continue
            ends = is_final(problem, history, now_s=now_s, rules=self._fail_fast)
            if ref not in self._problems or (ends and ref not in self._final):
                self._problems[ref] = (pod, problem)
            if ends:
                self._final.add(ref)

    def detail(self, ref: ObjectRef) -> str:
        """Return what the first troubled pod of a workload says; empty where none is troubled."""
        found = self._problems.get(ref)
        if found is None:
            return ""
        claims = [f"claim {name} {state}" for name, state in self.claims(*found).items()]
        return "; ".join([f"pod {text_at(found[0], 'metadata', 'name')} {found[1]}", *claims])

    def claims(self, pod: Body, problem: PodProblem) -> Mapping[str, str]:
        """Return name and state of the claims that hold a pod up."""
        return self._claims.problems(pod, problem)

    def is_news(self, ref: ObjectRef) -> bool:
        """Tell, once, that the detail of a workload changed."""
        detail = self.detail(ref)
        is_changed = detail != self._told.get(ref, "")
        self._told[ref] = detail
        return is_changed

    def is_final(self, ref: ObjectRef) -> bool:
        """Return whether a pod of the workload failed for good."""
        return ref in self._final

    def troubled(self, ref: ObjectRef) -> tuple[Body, PodProblem] | None:
        """Return the pod that ``detail`` is about, and its problem."""
        return self._problems.get(ref)


def _once(report: Reporter) -> Reporter:
    """Return a reporter that passes each event on once, however often is looked."""
    reported: list[Event] = []

    def hear(event: Event) -> None:
        if event not in reported:
            reported.append(event)
            report(event)

    return hear


def pod_selector(workload: Body) -> Mapping[str, str]:
    """Return the labels by which a workload finds its pods; empty for what has none."""
    labels = mapping_at(workload, "spec", "selector", "matchLabels")
    return {key: value for key, value in labels.items() if isinstance(value, str)}


def list_newest_pods(ports: Ports, workloads: Mapping[ObjectRef, Body]) -> Iterator[tuple[ObjectRef, list[Body]]]:
    """Yield the pods of the newest template of each workload.

    Those of a few workloads are asked for by their labels; where there are many, all pods are listed once.

    Args:
        ports: the cluster.
        workloads: which all have a selector.
    """
    for namespace in sorted({ref.namespace for ref in workloads}):
        here = {ref: body for ref, body in workloads.items() if ref.namespace == namespace}
        listed = _list_by_labels if len(here) <= FEW_WORKLOADS else _list_all
        for (ref, body), pods in zip(here.items(), listed(ports, namespace, here.values()), strict=True):
            yield ref, newest_pods(body, pods)


def _list_by_labels(ports: Ports, namespace: str, workloads: Iterable[Body]) -> Sequence[Sequence[Body]]:
    return map_parallel(lambda body: list_pods(ports, namespace, pod_selector(body)), workloads)


def _list_all(ports: Ports, namespace: str, workloads: Iterable[Body]) -> Sequence[Sequence[Body]]:
    index = by_label(list_pods(ports, namespace, {}))
    return [min((index.get(label, ()) for label in pod_selector(body).items()), key=len) for body in workloads]


def list_pods(ports: Ports, namespace: str, labels: Mapping[str, str]) -> Sequence[Body]:
    """Return the pods of a namespace that carry these labels; none where they may not be listed.

    Args:
        ports: the cluster.
        namespace: of the pods.
        labels: empty: all pods.
    """
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    query = ListQuery(group="", kind="Pod", namespace=namespace, label_selector=selector)
    try:
        return ports.cluster.list(query).items
    except ForbiddenError as error:
        ports.report(unread("pods", error))
        return ()


def newest_pods(workload: Body, pods: Sequence[Body]) -> list[Body]:
    """Return the pods of the newest template of a workload: what an older one left behind says nothing about it.

    Creation times are whole seconds: pods of two templates made in the same second all count.
    """
    selector = pod_selector(workload).items()
    mine = [pod for pod in pods if selector <= mapping_at(pod, "metadata", "labels").items()]
    newest = max((_made_at(pod) for pod in mine), default="")
    templates = {_template_of(pod) for pod in mine if _made_at(pod) == newest}
    return [pod for pod in mine if _template_of(pod) in templates]


def _made_at(pod: Body) -> str:
    return text_at(pod, "metadata", "creationTimestamp")


def _template_of(pod: Body) -> tuple[str, ...]:
    labels = mapping_at(pod, "metadata", "labels")
    return tuple(text_at(labels, name) for name in _HASH_LABELS)


def containers_of(pod: Body) -> list[str]:
    """Return the names of a pod's containers, init containers first."""
    spec = mapping_at(pod, "spec")
    return [text_at(item, "name") for group in ("initContainers", "containers") for item in items_at(spec, group)]


_FRESH_S = 10.0
_CLAIMS_AT_ONCE = 8
_REASONS = {"ProvisioningFailed", "FailedBinding"}


class ClaimWatch:
    """Asks about claims, and not again for some seconds."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._known: dict[ObjectRef, tuple[float, str]] = {}

    def problems(self, pod: Body, problem: PodProblem) -> Mapping[str, str]:
        """Return name and state of each claim that holds a pod up: ``{"data-db-0": "Pending, of storage class x"}``."""
        if problem.reason != "Unschedulable" or "volume" not in problem.message.lower():
            return {}
        found = {ref.name: self._state(ref) for ref in _claims_of(pod)}
        return {name: state for name, state in found.items() if state}

    def _state(self, ref: ObjectRef) -> str:
        now_s = self._ports.clock.monotonic()
        asked_s, state = self._known.get(ref, (-_FRESH_S, ""))
        asked_lately = sum(now_s - at_s < _FRESH_S for at_s, _ in self._known.values())
        if now_s - asked_s >= _FRESH_S and asked_lately < _CLAIMS_AT_ONCE:
            state = self._ask(ref)
            self._known[ref] = (now_s, state)
        return state

    def _ask(self, ref: ObjectRef) -> str:
        """Return why a claim holds its pod up; empty where it does not, or where it may not be read."""
        try:
            claim = self._ports.cluster.get(ref)
            if claim is None:
                return "it does not exist"
            if text_at(claim, "status", "phase") == "Bound":
                return ""
            return ": ".join(part for part in (_described(claim), self._last_event(ref)) if part)
        except BundlerError:
            return ""

    def _last_event(self, ref: ObjectRef) -> str:
        selector = f"involvedObject.kind={ref.kind},involvedObject.name={ref.name}"
        query = ListQuery(group="", kind="Event", namespace=ref.namespace, field_selector=selector)
        told = [event for event in self._ports.cluster.list(query).items if text_at(event, "reason") in _REASONS]
        newest = max(told, key=event_time, default={})
        return ": ".join(part for part in (text_at(newest, "reason"), text_at(newest, "message")) if part)


def _claims_of(pod: Body) -> Iterable[ObjectRef]:
    for volume in items_at(pod, "spec", "volumes"):
        if name := text_at(volume, "persistentVolumeClaim", "claimName"):
            yield ObjectRef("", "PersistentVolumeClaim", text_at(pod, "metadata", "namespace"), name)


def _described(claim: Body) -> str:
    name = text_at(claim, "spec", "storageClassName")
    storage_class = f"storage class {name}" if name else "no class"
    return f"{text_at(claim, 'status', 'phase') or 'not seen yet'}, of {storage_class}"
