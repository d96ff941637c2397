"""A plan as JSON, and back. Layer: wire, pure.

The form is versioned, described by ``schemas/plan.v1.schema.json``, and holds no secret: steps name objects, uids and
digests, and whatever text of the bundle stands beside them was masked when the plan was made. Bodies are no part of it.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bundler.errors.change import PlanError
from bundler.model.change import Action, KeptObject, Plan, ReachNote
from bundler.model.digest import is_digest
from bundler.model.json import as_json, is_list, is_mapping
from bundler.model.refs import ObjectRef
from bundler.model.steps import Await, Delete, Moment, Pause, Record, RunJob, Step, Target, Until, Verify, Write
from bundler.wire.changes import kept_forms, reach_form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bundler.model.json import Body, JSONValue

API_VERSION: Final = "bundler.dev/v1"
KIND: Final = "Plan"
_KINDS: Final[Mapping[str, type[Step]]] = {
    "record": Record,
    "verify": Verify,
    "write": Write,
    "runJob": RunJob,
    "await": Await,
    "delete": Delete,
    "pause": Pause,
}
_NAMES: Final[Mapping[type[Step], str]] = {kind: name for name, kind in _KINDS.items()}
T = TypeVar("T")


class _MalformedError(ValueError):
    """What is wrong with a plan that is read, and where; becomes a PlanError."""


def plan_document(plan: Plan) -> Body:
    """Return a plan as JSON.

    Args:
        plan: its changes, which hold bodies, are left out.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "removal": plan.is_removal,
        "steps": [_step_data(step) for step in plan.steps],
        "kept": as_json(kept_forms(plan)),
        "reach": as_json([reach_form(note) for note in plan.reach]),
    }


def read_plan(document: JSONValue) -> Plan:
    """Return the plan that a document holds.

    Args:
        document: what :func:`plan_document` made, decoded from JSON.

    Raises:
        PlanError: when it is not a plan, or one of another version, or its steps need what does not come before them.
    """
    try:
        return _plan(document)
    except _MalformedError as error:
        raise PlanError(
            "reading a plan",
            context=[str(error)],
            hint="make the plan again, with the version of bundler that carries it out",
        ) from error


def _plan(document: JSONValue) -> Plan:
    if not is_mapping(document) or document.get("kind") != KIND:
        raise _MalformedError("this is not a plan: it has no `kind: Plan`")
    if document.get("apiVersion") != API_VERSION:
        raise _MalformedError(f"its apiVersion is {document.get('apiVersion')!r}, and this bundler reads {API_VERSION}")
    parts = _Part(document, "")
    parts.require("apiVersion", "kind", "removal", "steps", "kept", "reach")
    steps = tuple(map(_step, parts.parts("steps")))
    _check_order(steps)
    return Plan(
        steps=steps,
        kept=tuple(map(_kept, parts.parts("kept"))),
        reach=tuple(map(_reach_note, parts.parts("reach"))),
        is_removal=parts.flag("removal"),
    )


def _check_order(steps: Iterable[Step]) -> None:
    known: set[str] = set()
    for step in steps:
        for need in step.needs:
            if need not in known:
                raise _MalformedError(f"step {step.id} needs {need}, and no step before it has that name")
        if step.id in known:
            raise _MalformedError(f"two steps have the name {step.id}")
        known.add(step.id)


def _step_data(step: Step) -> Body:
    own = {field.name: getattr(step, field.name) for field in fields(step)}
    data: dict[str, JSONValue] = {"kind": _NAMES[type(step)]}
    return data | {_FIELDS[name][0]: _FIELDS[name][1](value) for name, value in own.items()}


def _step(part: _Part) -> Step:
    kind = _KINDS.get(part.text("kind"))
    if kind is None:
        raise _MalformedError(f"{part.place}.kind is {part.text('kind')!r}, and has to be one of {', '.join(_KINDS)}")
    names = [field.name for field in fields(kind)]
    part.require("kind", *(_FIELDS[name][0] for name in names))
    made: dict[str, Any] = {name: _FIELDS[name][2](part, _FIELDS[name][0]) for name in names}
    return kind(**made)


def _target_data(target: Target) -> Body:
    return {
        "object": str(target.ref),
        "action": target.action.value,
        "liveUid": target.live_uid,
        "digest": target.digest,
        "claims": [_target_data(claim) for claim in target.claims],
        "waitsForOwned": target.waits_for_owned,
    }


def _target(part: _Part) -> Target:
    part.require("object", "action", "liveUid", "digest", "claims", "waitsForOwned")
    digest = part.text("digest")
    if digest and not is_digest(digest):
        raise _MalformedError(f"{part.place}.digest is not a sha256 digest")
    return Target(
        ref=part.ref("object"),
        action=part.one_of("action", Action),
        live_uid=part.text("liveUid"),
        digest=digest,
        claims=tuple(map(_target, part.parts("claims"))),
        waits_for_owned=part.flag("waitsForOwned"),
    )


def _kept(part: _Part) -> KeptObject:
    part.require("object", "reason")
    return KeptObject(part.ref("object"), part.text("reason"))


def _reach_note(part: _Part) -> ReachNote:
    is_compared = "live" in part.body
    part.require("kind", "subject", "declared", "source", *(["live"] if is_compared else []))
    return ReachNote(
        part.text("kind"),
        part.text("subject"),
        part.flag("declared"),
        part.text("source"),
        part.flag("live") if is_compared else None,
    )


class _Part:
    """One JSON object of a plan that is read, and where it is."""

    def __init__(self, value: JSONValue, place: str) -> None:
        if not is_mapping(value):
            raise _MalformedError(f"{place} is not an object")
        self.body, self.place = value, place

    def require(self, *keys: str) -> None:
        """Refuse an object with other keys than these."""
        for key in keys:
            if key not in self.body:
                raise _MalformedError(f"{self._at(key)} is missing")
        for key in self.body:
            if key not in keys:
                raise _MalformedError(f"{self._at(key)} is not known")

    def text(self, key: str) -> str:
        value = self.body.get(key)
        if not isinstance(value, str):
            raise _MalformedError(f"{self._at(key)} is not a string")
        return value

    def flag(self, key: str) -> bool:
        value = self.body.get(key)
        if not isinstance(value, bool):
            raise _MalformedError(f"{self._at(key)} is neither true nor false")
        return value

    def one_of(self, key: str, choices: Callable[[str], T]) -> T:
        try:
            return choices(self.text(key))
        except ValueError as error:
            raise _MalformedError(f"{self._at(key)}: {error}") from error

    def ref(self, key: str) -> ObjectRef:
        return self._ref(self.text(key), key)

    def texts(self, key: str) -> tuple[str, ...]:
        values = [value for value in self._list(key) if isinstance(value, str)]
        if len(values) != len(self._list(key)):
            raise _MalformedError(f"{self._at(key)} holds what is not a string")
        return tuple(values)

    def refs(self, key: str) -> tuple[ObjectRef, ...]:
        return tuple(self._ref(text, key) for text in self.texts(key))

    def part(self, key: str) -> _Part:
        return _Part(self.body.get(key), self._at(key))

    def parts(self, key: str) -> list[_Part]:
        return [_Part(value, f"{self._at(key)}[{number}]") for number, value in enumerate(self._list(key))]

    def _ref(self, text: str, key: str) -> ObjectRef:
        try:
            return ObjectRef.parse(text)
        except ValueError as error:
            raise _MalformedError(f"{self._at(key)}: {text!r} is not GROUP/KIND/NAMESPACE/NAME") from error

    def _list(self, key: str) -> list[JSONValue]:
        value = self.body.get(key)
        if not is_list(value):
            raise _MalformedError(f"{self._at(key)} is not a list")
        return list(value)

    def _at(self, key: str) -> str:
        return f"{self.place}.{key}".lstrip(".")


_FIELDS: Final[Mapping[str, tuple[str, Callable[[Any], JSONValue], Callable[[_Part, str], Any]]]] = {
    "id": ("id", str, _Part.text),
    "needs": ("needs", list, _Part.texts),
    "component": ("component", str, _Part.text),
    "moment": ("moment", str, lambda part, key: part.one_of(key, Moment)),
    "until": ("until", str, lambda part, key: part.one_of(key, Until)),
    "refs": ("objects", lambda refs: [str(ref) for ref in refs], _Part.refs),
    "targets": (
        "targets",
        lambda targets: [_target_data(target) for target in targets],
        lambda part, key: tuple(map(_target, part.parts(key))),
    ),
    "target": ("target", _target_data, lambda part, key: _target(part.part(key))),
    "which": ("which", str, _Part.text),
    "written": ("written", str, _Part.text),
    "reason": ("reason", str, _Part.text),
}
"""Each field of a step: its key, how it is written, and how it is read."""
