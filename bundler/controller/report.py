"""What is said of an order, from what was decided and seen. Layer: controller, pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bundler import DriftedObject, DriftKind, ReleaseState, ReleaseStatus, RevisionSummary
from bundler.controller.conditions import beginning
from bundler.controller.decide import Act, Decision, Seen
from bundler.controller.guards import missing_data_plan
from bundler.controller.status import (
    ComponentStatus,
    Condition,
    ConditionType,
    DriftStatus,
    OrderStatus,
    Phase,
    Reason,
    RunningBundle,
)
from bundler.model.health import Status
from bundler.model.kept import NEVER_DELETED
from bundler.model.lean import dataclass, replace

if TYPE_CHECKING:
    from bundler.controller.contest import Contested
    from bundler.controller.order import Order
    from bundler.controller.status import Attempt, Keeper, WaitingPlan
    from bundler.model.release_state import ObjectStatus

_READY: Final = frozenset({Status.CURRENT, Status.UNKNOWN})
_WORST: Final = (
    Status.FAILED,
    Status.NOT_FOUND,
    Status.TERMINATING,
    Status.IN_PROGRESS,
    Status.UNKNOWN,
    Status.CURRENT,
)
_WAITING: Final = frozenset(
    {
        Reason.LOCKED,
        Reason.WAITING,
        Reason.DEPENDENCY_NOT_READY,
        Reason.DEPENDENCY_CIRCLE,
        Reason.AWAITING_APPROVAL,
        Reason.RIGHTS_MISSING,
        Reason.SOURCE_UNAVAILABLE,
        Reason.NAMESPACE_TERMINATING,
        Reason.ROLLOUT_PAUSED,
    }
)
_PASSING: Final = frozenset({Reason.LOCKED, Reason.WAITING, Reason.DEPENDENCY_NOT_READY, Reason.SOURCE_UNAVAILABLE})
"""Reasons that end by themselves: an order that is held for one is on its way, and not stalled."""

_STATUSES: Final = {"True": True, "False": False, "Unknown": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """How what runs is."""

    state: ReleaseState | None = None
    """None: there is nothing, or its health was not asked for."""
    drift: tuple[DriftedObject, ...] | None = None
    """What differs from the deployed revision; None: it was not compared."""
    contested: tuple[Contested, ...] = ()
    missing_data: tuple[str, ...] = ()
    """Objects that held data and are gone; they are not made again, empty, unless someone approves it."""
    unclear: str = ""
    """Why it could not be compared; empty where it was, or nothing asked for it."""
    is_correcting: bool = False
    """What differs is being put back."""
    correction: str = ""
    """Why what differs could not be put back; empty where it could."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What no record holds, as the last look left it."""

    attempt: Attempt | None = None
    plan: WaitingPlan | None = None
    drift: DriftStatus = DriftStatus()
    matched: tuple[str, int] = ("", 0)
    source: Condition | None = None
    """Who signed the bundle."""


def order_status(
    order: Order, seen: Seen, decision: Decision, looked: Looked, remembered: Remembered, keeper: Keeper
) -> OrderStatus:
    """Return what is said of an order.

    Args:
        order: as it is now.
        seen: what was found of it.
        decision: what is done about it.
        looked: how what runs is.
        remembered: what no record holds.
        keeper: which controller says it.
    """
    deployed, drift = seen.deployed, _drift(looked, remembered)
    plan = remembered.plan if decision.reason is Reason.AWAITING_APPROVAL else None
    if looked.missing_data:
        plan = missing_data_plan(looked.missing_data)
    conditions = _conditions(order, seen, decision, looked)
    return OrderStatus(
        observed_generation=order.generation,
        phase=_phase(order, decision, looked, conditions),
        conditions=(*conditions, *_drifted(looked, drift), *((remembered.source,) if remembered.source else ())),
        revision=deployed.revision if deployed else 0,
        bundle=_running(deployed),
        components=_components(looked.state),
        inputs=_inputs(seen),
        choice=seen.choice,
        attempt=remembered.attempt,
        plan=plan,
        drift=drift,
        kept_by=keeper,
    )


def first_status(order: Order, seen: Seen, decision: Decision, remembered: Remembered, keeper: Keeper) -> OrderStatus:
    """Return what is said of an order before anything of it is changed.

    Args:
        order: as it is now.
        seen: what was found of it.
        decision: what is about to be done.
        remembered: what no record holds.
        keeper: which controller says it.
    """
    begun = order_status(order, seen, decision, Looked(), remembered, keeper)
    kept = tuple(one for one in begun.conditions if one.type not in {ConditionType.READY, ConditionType.RECONCILING})
    return replace(begun, phase=Phase.WORKING, conditions=(*beginning(decision.reason, decision.message), *kept))


def _inputs(seen: Seen) -> str:
    deployed = seen.deployed
    if deployed is None:
        return ""
    return seen.matched[0] if seen.matched[1] == deployed.revision else deployed.inputs


def _running(deployed: RevisionSummary | None) -> RunningBundle | None:
    if deployed is None:
        return None
    bundle = deployed.bundle
    return RunningBundle(name=bundle.name, version=bundle.version, digest=bundle.digest)


def _conditions(order: Order, seen: Seen, decision: Decision, looked: Looked) -> tuple[Condition, ...]:
    if decision.act in {Act.CHANGE, Act.UNINSTALL} or seen.under_way is not None:
        return (
            _ready("False" if order.is_deleted else "Unknown", decision.reason, decision.message),
            _reconciling(decision),
        )
    found = [_readiness(order, seen, decision, looked)]
    if decision.act is Act.COMPARE:
        found.extend(_stalled(*one) for one in _obstacles(looked))
        if not found[0].status and len(found) == 1:
            found.append(Condition(type=ConditionType.RECONCILING, status=True, reason=Reason.WAITING))
    elif decision.reason in _PASSING:
        found.append(_reconciling(decision))
    elif decision.reason is not Reason.SUSPENDED:
        found.append(_stalled(decision.reason, decision.message))
    return tuple(found)


def _obstacles(looked: Looked) -> list[tuple[Reason, str]]:
    if looked.contested:
        return [(Reason.CONTESTED, "; ".join(map(str, looked.contested)))]
    if looked.missing_data:
        gone = ", ".join(looked.missing_data)
        return [(Reason.DATA_MISSING, f"{gone}: gone with its data, and not made again, empty, without an approval")]
    return []


def _readiness(order: Order, seen: Seen, decision: Decision, looked: Looked) -> Condition:
    state, deployed = looked.state, seen.deployed
    if seen.newest is None or state is None:
        return _ready("False", decision.reason, decision.message)
    behind = ""
    if decision.act is not Act.COMPARE and deployed is not None and not seen.is_met:
        behind = f"running {deployed.bundle.version}, ordered {_ordered(order, seen)}"
    if not state.is_ready or looked.missing_data:
        found = "; ".join(filter(None, (behind, _worst_words(state))))
        return _ready("False", Reason.COMPONENT_NOT_READY, found)
    if deployed is None:
        return _ready("False", decision.reason, decision.message)
    if behind and decision.reason in _PASSING:  # who waits for the order must not take what runs for it
        return _ready("Unknown", decision.reason, f"{behind}; {decision.message}")
    words = "; ".join(filter(None, (behind, decision.message if behind else "")))
    return _ready("True", Reason.READY, words)


def _ordered(order: Order, seen: Seen) -> str:
    failed = seen.failed
    chosen = seen.choice.version if seen.choice else ""
    return failed.bundle.version if failed else chosen or order.bundle.version or "something else"


def _worst_words(state: ReleaseState) -> str:
    one = min(state.objects, key=lambda each: _WORST.index(each.health.status), default=None)
    if one is None or one.health.status in _READY:
        return "; ".join(state.unasked)
    return f"{one.entry.ref.short}: {one.health.message or one.health.status.value}"


def _phase(order: Order, decision: Decision, looked: Looked, conditions: tuple[Condition, ...]) -> Phase:
    if order.is_deleted:
        return Phase.DELETING
    if decision.reason is Reason.SUSPENDED:
        return Phase.SUSPENDED
    if decision.reason in _WAITING:
        return Phase.WAITING
    if decision.act is Act.HOLD:
        return Phase.FAILED
    if looked.drift:
        return Phase.DRIFTED
    return Phase.READY if conditions[0].status else Phase.WORKING


def _drifted(looked: Looked, drift: DriftStatus) -> tuple[Condition, ...]:
    if looked.unclear:
        words = looked.correction or looked.unclear
        return (Condition(type=ConditionType.DRIFTED, status=None, reason=Reason.DRIFT, message=words),)
    if looked.drift is None:
        return ()
    if not looked.drift:
        return (Condition(type=ConditionType.DRIFTED, status=False, reason=Reason.NO_DRIFT),)
    names = ", ".join(drift.objects[:5]) + (" …" if len(drift.objects) > 5 else "")
    words = "; ".join(filter(None, (names, looked.correction)))
    return (Condition(type=ConditionType.DRIFTED, status=True, reason=Reason.DRIFT, message=words),)


def _drift(looked: Looked, remembered: Remembered) -> DriftStatus:
    if looked.drift is None:
        return remembered.drift
    return replace(remembered.drift, objects=tuple(one.ref.short for one in looked.drift))


def author_of(drift: tuple[DriftedObject, ...]) -> str:
    """Return the manager that made the last difference; empty where that is not known."""
    fields = [field for one in drift for field in one.fields if field.manager]
    return max(fields, key=lambda field: field.since).manager if fields else ""


def lost_data(drift: tuple[DriftedObject, ...], state: ReleaseState | None) -> tuple[str, ...]:
    """Return the objects that held data and are gone: what is made again in their place would be empty.

    Args:
        drift: what differs.
        state: says which Secrets hold something that was generated.
    """
    generated = {one.ref for one in state.revision.inventory if one.is_generated} if state else set()
    return tuple(
        one.ref.short
        for one in drift
        if one.kind is DriftKind.MISSING and (one.ref in generated or (one.ref.group, one.ref.kind) in NEVER_DELETED)
    )


def _components(state: ReleaseState | None) -> tuple[ComponentStatus, ...]:
    if state is None or state.revision.summary.status is ReleaseStatus.UNINSTALLED:
        return ()
    found: Mapping[str, list[ObjectStatus]] = defaultdict(list)
    for one in state.objects:
        found[one.entry.component].append(one)
    return tuple(_component(name, objects) for name, objects in sorted(found.items()))


def _component(name: str, objects: list[ObjectStatus]) -> ComponentStatus:
    worst = min(objects, key=lambda one: _WORST.index(one.health.status))
    ready = sum(one.health.status in _READY for one in objects)
    said = "" if worst.health.status in _READY else f"{worst.entry.ref.short}: {worst.health.message}"
    status = Status.CURRENT if worst.health.status in _READY else worst.health.status
    return ComponentStatus(name=name, status=status.value, ready=ready, of=len(objects), message=said)


def _ready(status: str, reason: Reason, message: str) -> Condition:
    return Condition(type=ConditionType.READY, status=_STATUSES[status], reason=reason, message=message)


def _reconciling(decision: Decision) -> Condition:
    return Condition(type=ConditionType.RECONCILING, status=True, reason=decision.reason, message=decision.message)


def _stalled(reason: Reason, message: str) -> Condition:
    return Condition(type=ConditionType.STALLED, status=True, reason=reason, message=message)
