"""What is new between two statuses of an order, as events that `kubectl describe` shows. Layer: controller, pure.

What is the same in both is not said again: the status that is there is the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from bundler.controller.status import AttemptResult, ConditionType, Phase, Reason
from bundler.controller.status_body import attempt_of, drift_of
from bundler.model.json import Body, items_at, mapping_at, text_at
from bundler.model.lean import dataclass
from bundler.model.size import counted


class Happened(StrEnum):
    """What an event is about; one word, for programs."""

    PLANNED = "Planned"
    APPLIED = "Applied"
    READY = "Ready"
    COMPONENT_FAILED = "ComponentFailed"
    DRIFT_CORRECTED = "DriftCorrected"
    CONTESTED = "Contested"
    AWAITING_APPROVAL = "AwaitingApproval"
    ROLLED_BACK = "RolledBack"
    SOURCE_REFUSED = "SourceRefused"
    FAILED = "Failed"
    SUSPENDED = "Suspended"
    ORPHANED = "Orphaned"


_OF_REASON = {
    Reason.CONTESTED.value: Happened.CONTESTED,
    Reason.AWAITING_APPROVAL.value: Happened.AWAITING_APPROVAL,
    Reason.SOURCE_REFUSED.value: Happened.SOURCE_REFUSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One event."""

    happened: Happened
    note: str
    is_warning: bool = False


def news_of(before: Body, now: Body) -> Iterator[News]:
    """Yield what is new in the status of an order.

    Args:
        before: the status that was there.
        now: the one that replaces it.
    """
    yield from _attempt(before, now)
    yield from _conditions(before, now)
    yield from _components(before, now)
    yield from _drift(before, now)
    if text_at(now, "phase") == Phase.SUSPENDED and text_at(before, "phase") != Phase.SUSPENDED:
        yield News(happened=Happened.SUSPENDED, note="nothing of the release is changed until it is resumed")


def _attempt(before: Body, now: Body) -> Iterator[News]:
    old, new = attempt_of(before), attempt_of(now)
    if new is None or (old is not None and (old.at, old.result) == (new.at, new.result)):
        return
    words = new.message or f"revision {new.revision}"
    match new.result:
        case AttemptResult.SUCCEEDED:
            yield News(happened=Happened.APPLIED, note=f"revision {new.revision} is deployed")
        case AttemptResult.ROLLED_BACK:
            yield News(happened=Happened.ROLLED_BACK, note=words, is_warning=True)
        case AttemptResult.FAILED:
            yield News(happened=Happened.FAILED, note=words, is_warning=True)
        case AttemptResult.REFUSED | AttemptResult.PASSING:
            return


def _conditions(before: Body, now: Body) -> Iterator[News]:
    if _is_true(now, ConditionType.READY) and not _is_true(before, ConditionType.READY):
        ready = text_at(now, "summary", "components")
        yield News(happened=Happened.READY, note=f"{ready} components are ready" if ready else "everything is ready")
    planning = Reason.PLANNING.value
    if _reason(now, ConditionType.RECONCILING) == planning != _reason(before, ConditionType.RECONCILING):
        yield News(happened=Happened.PLANNED, note=f"generation {now.get('observedGeneration')} is planned")
    old, new = _condition(before, ConditionType.STALLED), _condition(now, ConditionType.STALLED)
    happened = _OF_REASON.get(text_at(new, "reason"))
    if happened and (text_at(old, "reason"), text_at(old, "message")) != (
        text_at(new, "reason"),
        text_at(new, "message"),
    ):
        yield News(happened=happened, note=text_at(new, "message"), is_warning=True)


def _components(before: Body, now: Body) -> Iterator[News]:
    failed = {text_at(one, "name") for one in items_at(before, "components") if text_at(one, "status") == "Failed"}
    for one in items_at(now, "components"):
        name = text_at(one, "name")
        if text_at(one, "status") == "Failed" and name not in failed:
            words = f"{name or 'the release'} {text_at(one, 'ready')}: {text_at(one, 'message')}"
            yield News(happened=Happened.COMPONENT_FAILED, note=words, is_warning=True)


def _drift(before: Body, now: Body) -> Iterator[News]:
    old, new = drift_of(before), drift_of(now)
    if new.corrected > old.corrected:
        what, by = ", ".join(old.objects) or counted(new.corrected - old.corrected, "object"), new.by or old.by
        yield News(happened=Happened.DRIFT_CORRECTED, note=f"put back: {what}{f' (changed by {by})' if by else ''}")


def _condition(status: Body, kind: ConditionType) -> Body:
    return next((one for one in items_at(status, "conditions") if text_at(one, "type") == kind.value), {})


def _is_true(status: Body, kind: ConditionType) -> bool:
    return text_at(_condition(status, kind), "status") == "True"


def _reason(status: Body, kind: ConditionType) -> str:
    return text_at(mapping_at(_condition(status, kind)), "reason")
