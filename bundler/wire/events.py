"""What a run reports while it runs, as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict, assert_never

from bundler.model.events import (
    Acquired,
    BytesMoved,
    ChangeFinished,
    ChangeStarted,
    GateJudged,
    HealthChanged,
    Notice,
    PhaseStarted,
    PodsReplaced,
    Retrying,
    Warned,
)

if TYPE_CHECKING:
    from bundler.model.events import Event


class SentenceForm(TypedDict):
    """A sentence: a notice, a warning, or which bundle was taken."""

    type: Literal["notice", "warning", "acquired"]
    text: str


class PhaseForm(TypedDict):
    """A phase of the run begins."""

    type: Literal["phaseStarted"]
    name: str
    total: int
    """How many objects it is about."""
    hooks: int
    """How many of them hooks write."""
    backups: int
    """How many of them are backups."""


class StepForm(TypedDict):
    """A write is about to be made, or was answered."""

    type: Literal["changeStarted", "changeFinished"]
    object: str
    action: Literal["create", "update", "recreate", "delete", "none"]


class HealthForm(TypedDict):
    """An object that is waited for looks different."""

    type: Literal["healthChanged"]
    object: str
    health: Literal["Current", "InProgress", "Failed", "Terminating", "NotFound", "Unknown"]
    message: str
    warning: str
    ready: int | None
    wanted: int | None
    detail: str
    """The pod's own reason, where it has one."""


class PodsForm(TypedDict):
    """How far a step of an upgrade in steps has come with one workload."""

    type: Literal["podsReplaced"]
    object: str
    component: str
    step: int
    of: int
    """How many steps there are, the last one included, in which all pods become new."""
    target: int
    """How many new pods the step brings."""
    new: int
    newReady: int
    old: int
    oldReady: int


class GateForm(TypedDict):
    """What a gate says after a step of an upgrade in steps."""

    type: Literal["gateJudged"]
    gate: str
    step: int
    of: int
    """How many steps there are, the last one included, in which all pods become new."""
    outcome: Literal["passed", "waiting", "failed"]
    why: str
    """Why it has not passed; empty where it has."""
    seconds: float
    """Since it was first asked in this step."""


class RetryForm(TypedDict):
    """A request failed in passing and is sent again."""

    type: Literal["retrying"]
    doing: str
    attempt: int
    why: str
    status: int
    """HTTP status of the answer; 0 where none came."""
    waitsFor: str
    """The webhook that the server could not call; empty where it is not a webhook that fails."""


class BytesForm(TypedDict):
    """How far moving bytes is."""

    type: Literal["bytesMoved"]
    doing: str
    done: int
    total: int


EventForm: TypeAlias = SentenceForm | PhaseForm | StepForm | HealthForm | PodsForm | GateForm | RetryForm | BytesForm


def event_form(event: Event) -> EventForm:  # noqa: C901, PLR0911 - a table
    """Return what a run reported; its ``type`` says what else is there."""
    match event:
        case Notice():
            return {"type": "notice", "text": event.text}
        case Warned():
            return {"type": "warning", "text": event.text}
        case Acquired():
            return {"type": "acquired", "text": event.text}
        case PhaseStarted():
            return {
                "type": "phaseStarted",
                "name": event.name,
                "total": event.total,
                "hooks": event.hooks,
                "backups": event.backups,
            }
        case ChangeStarted():
            return {"type": "changeStarted", "object": str(event.ref), "action": event.action.value}
        case ChangeFinished():
            return {"type": "changeFinished", "object": str(event.ref), "action": event.action.value}
        case HealthChanged():
            return _health_form(event)
        case PodsReplaced():
            return _pods_form(event)
        case GateJudged():
            return {
                "type": "gateJudged",
                "gate": event.gate,
                "step": event.step,
                "of": event.of,
                "outcome": event.outcome.value,
                "why": event.why,
                "seconds": round(event.seconds, 3),
            }
        case Retrying():
            return {
                "type": "retrying",
                "doing": event.doing,
                "attempt": event.attempt,
                "why": event.why,
                "status": event.status,
                "waitsFor": event.waits_for,
            }
        case BytesMoved():
            return {"type": "bytesMoved", "doing": event.doing, "done": event.done, "total": event.total}
        case _:
            assert_never(event)


def _pods_form(event: PodsReplaced) -> PodsForm:
    return {
        "type": "podsReplaced",
        "object": str(event.ref),
        "component": event.component,
        "step": event.step,
        "of": event.of,
        "target": event.target,
        "new": event.new,
        "newReady": event.new_ready,
        "old": event.old,
        "oldReady": event.old_ready,
    }


def _health_form(event: HealthChanged) -> HealthForm:
    health = event.health
    return {
        "type": "healthChanged",
        "object": str(event.ref),
        "health": health.status.value,
        "message": health.message,
        "warning": health.warning,
        "ready": health.ready,
        "wanted": health.wanted,
        "detail": event.detail,
    }
