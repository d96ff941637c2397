"""The status of an order as the body that is written, and what is read back from it. Layer: controller, pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from bundler.controller.conditions import condition_bodies
from bundler.controller.status import Attempt, AttemptResult, Condition, ConditionType, DriftStatus, Reason, WaitingPlan
from bundler.controller.times import read_time, written_time
from bundler.model.json import Body, JSONValue, canonical_json, int_at, items_at, mapping_at, strings_at, text_at
from bundler.model.lean import dataclass, replace
from bundler.model.size import cut, first_of

if TYPE_CHECKING:
    from bundler.controller.status import Choice, ComponentStatus, OrderStatus

MAX_BYTES: Final = 32 * 1024
_CURRENT: Final = "Current"
_Entries: TypeAlias = "Mapping[str, JSONValue]"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How long texts and lists may be, in bytes and entries."""

    message: int
    """Of a condition, and of the last attempt."""
    line: int
    """Of a component, an object, a reason."""
    plan: int
    entries: int


_ROOMS: Final = (
    _Room(message=4096, line=512, plan=2048, entries=200),
    _Room(message=1024, line=256, plan=2048, entries=40),
    _Room(message=256, line=64, plan=512, entries=10),
)
"""The first that the whole fits into is taken; the last always does: JSON makes two bytes of one at most."""


def status_body(
    status: OrderStatus, previous: Body, now: datetime, *, redact: Callable[[str], str] = lambda text: text
) -> Body:
    """Return ``.status`` of an order, in at most 32 KiB: long texts are cut, of long lists the first and how many.

    Args:
        status: what is to be said.
        previous: the status that is there.
        now: the time of day, for the conditions that change.
        redact: masks what is sensitive in texts for people.
    """
    body: Body = {}
    for room in _ROOMS:
        body = _body(status, previous, _Writing(room, redact), now)
        if len(canonical_json(body)) <= MAX_BYTES:
            break
    return body


def says_more(body: Body, previous: Body) -> bool:
    """Return whether a status has to be written: it differs in more than which controller wrote it.

    Args:
        body: the status to be.
        previous: the status that is there.
    """
    return {**body, "keptBy": None} != {**previous, "keptBy": None}


def attempt_of(body: Body) -> Attempt | None:
    """Return the last attempt that a status names; None where there is none that can be read."""
    found = mapping_at(body, "lastAttempt")
    try:
        result, reason = AttemptResult(text_at(found, "result")), Reason(text_at(found, "reason"))
    except ValueError:
        return None
    return Attempt(
        inputs=text_at(found, "inputs"),
        result=result,
        at=read_time(text_at(found, "at")) or datetime.fromtimestamp(0, UTC),
        revision=int_at(found, "revision"),
        reason=reason,
        message=text_at(found, "message"),
        retry=text_at(found, "retry"),
        tries=int_at(found, "tries", default=1),
    )


def drift_of(body: Body) -> DriftStatus:
    """Return what a status says of drift."""
    found = mapping_at(body, "drift")
    return DriftStatus(
        objects=strings_at(found, "objects"),
        corrected=int_at(found, "corrected"),
        last_at=read_time(text_at(found, "lastAt")),
        by=text_at(found, "by"),
    )


def plan_of(body: Body) -> WaitingPlan | None:
    """Return the plan that a status says waits for an approval; None where none does."""
    found = mapping_at(body, "plan")
    digest = text_at(found, "digest")
    counts = {name: int_at(found, name) for name in ("create", "update", "recreate", "delete")}
    plan = WaitingPlan(digest=digest, **counts, why=strings_at(found, "why"), text=text_at(found, "text"))
    return plan if digest else None


def source_of(body: Body) -> Condition | None:
    """Return what a status says of who signed the bundle; None where it says nothing."""
    kind = ConditionType.SOURCE_VERIFIED
    found = next((one for one in items_at(body, "conditions") if text_at(one, "type") == kind), {})
    try:
        reason = Reason(text_at(found, "reason"))
    except ValueError:
        return None
    message = text_at(found, "message")
    return Condition(type=kind, status=text_at(found, "status") == "True", reason=reason, message=message)


def inputs_of(body: Body) -> str:
    """Return the digest of the inputs of the deployed revision; empty where a status names none."""
    return text_at(body, "inputs")


class _Writing:
    """Cuts and masks what a status says."""

    def __init__(self, room: _Room, redact: Callable[[str], str]) -> None:
        self.room, self._redact = room, redact

    def message(self, text: str) -> str:
        return cut(_printable(self._redact(text)), self.room.message)

    def line(self, text: str) -> str:
        return cut(_printable(self._redact(text)), self.room.line)

    def plan(self, text: str) -> str:
        return cut(_printable(self._redact(text)), self.room.plan)

    def name(self, text: str) -> str:
        """Cut what is not a secret, and is compared later: names, digests, tokens."""
        return cut(_printable(text), 256)


def _printable(text: str) -> str:
    """Return a text without what would move the cursor of the terminal that it is printed on."""
    return "".join(char if char.isprintable() or char in "\n\t" else " " for char in text)


def _body(status: OrderStatus, previous: Body, writing: _Writing, now: datetime) -> Body:
    conditions = [replace(one, message=writing.message(one.message)) for one in status.conditions]
    return {
        "observedGeneration": status.observed_generation,
        "phase": status.phase.value,
        "conditions": condition_bodies(conditions, previous, generation=status.observed_generation, now=now),
        "summary": _summary(status, writing),
        **({"revision": status.revision} if status.revision else {}),
        **_bundle(status, writing),
        **({"components": _components(status.components, writing)} if status.components else {}),
        **({"inputs": writing.name(status.inputs)} if status.inputs else {}),
        **({"update": _choice(status.choice, writing)} if status.choice else {}),
        **({"lastAttempt": _attempt(status.attempt, writing)} if status.attempt else {}),
        **({"plan": _plan(status.plan, writing)} if status.plan else {}),
        **({"drift": _drift(status.drift, writing)} if status.drift != DriftStatus() else {}),
        **_kept_by(status, writing),
    }


def _summary(status: OrderStatus, writing: _Writing) -> Body:
    ready = sum(one.status == _CURRENT for one in status.components)
    bundle = f"{status.bundle.name} {status.bundle.version}" if status.bundle else ""
    return {
        **({"components": f"{ready}/{len(status.components)}"} if status.components else {}),
        **({"bundle": writing.name(bundle)} if bundle else {}),
    }


def _bundle(status: OrderStatus, writing: _Writing) -> _Entries:
    bundle = status.bundle
    if bundle is None:
        return {}
    texts = {"name": bundle.name, "version": bundle.version, "digest": bundle.digest}
    return {"bundle": {key: writing.name(text) for key, text in texts.items() if text}}


def _components(components: tuple[ComponentStatus, ...], writing: _Writing) -> list[Body]:
    """Return the components; of too many those that are not ready come first, and the summary has the count."""
    shown = components
    if len(components) > writing.room.entries:
        shown = tuple(sorted(components, key=lambda one: one.status == _CURRENT))[: writing.room.entries]
    return [_component(one, writing) for one in shown]


def _component(one: ComponentStatus, writing: _Writing) -> Body:
    return {
        "name": writing.line(one.name),
        "status": writing.line(one.status),
        "ready": f"{one.ready}/{one.of}",
        **({"message": writing.line(one.message)} if one.message else {}),
    }


def _choice(choice: Choice, writing: _Writing) -> Body:
    message = {"message": writing.message(choice.message)} if choice.message else {}
    return {"version": writing.name(choice.version), **message}


def _attempt(attempt: Attempt, writing: _Writing) -> Body:
    return {
        "inputs": writing.name(attempt.inputs),
        "result": attempt.result.value,
        "reason": attempt.reason.value,
        "at": written_time(attempt.at),
        "revision": attempt.revision,
        "message": writing.message(attempt.message),
        "retry": writing.name(attempt.retry),
        "tries": attempt.tries,
    }


def _plan(plan: WaitingPlan, writing: _Writing) -> Body:
    return {
        "digest": writing.name(plan.digest),
        "create": plan.create,
        "update": plan.update,
        "recreate": plan.recreate,
        "delete": plan.delete,
        "why": [writing.line(one) for one in first_of(plan.why, writing.room.entries)],
        "text": writing.plan(plan.text),
    }


def _drift(drift: DriftStatus, writing: _Writing) -> Body:
    return {
        "count": len(drift.objects),
        "objects": [writing.line(one) for one in drift.objects[: writing.room.entries]],
        "corrected": drift.corrected,
        **({"lastAt": written_time(drift.last_at)} if drift.last_at else {}),
        **({"by": writing.line(drift.by)} if drift.by else {}),
    }


def _kept_by(status: OrderStatus, writing: _Writing) -> _Entries:
    keeper = status.kept_by
    return {"keptBy": {"host": writing.name(keeper.host), "version": writing.name(keeper.version)}} if keeper else {}
