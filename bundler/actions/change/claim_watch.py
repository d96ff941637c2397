"""Why the volume claims of a pod that cannot be scheduled are not bound: the scheduler names none. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.change.diagnostics import event_time
from bundler.errors import BundlerError
from bundler.model.cluster import ListQuery
from bundler.model.json import items_at, text_at
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bundler.health.pods import PodProblem
    from bundler.model.json import Body
    from bundler.ports import Ports

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
