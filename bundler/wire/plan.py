"""A plan as JSON, and back. Layer: wire, pure.

The form is versioned, described by ``schemas/plan.v1.schema.json``, and holds no secret: steps name objects, uids and
digests, and all text of the bundle beside them was masked when the plan was made. Bodies are not part of it.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from bundler.model.change import Action, KeptObject, Plan, ReachNote
from bundler.model.json import as_json
from bundler.model.steps import (
    Advance,
    Await,
    Delete,
    Discard,
    Moment,
    Paced,
    Pause,
    Record,
    RunJob,
    Step,
    Target,
    Until,
    Verify,
    Write,
)
from bundler.wire.changes import kept_forms, reach_form
from bundler.wire.parts import API_VERSION, MalformedError, Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bundler.model.json import Body, JSONValue

KIND: Final = "Plan"
_KINDS: Final[Mapping[str, type[Step]]] = {
    "record": Record,
    "verify": Verify,
    "write": Write,
    "runJob": RunJob,
    "await": Await,
    "delete": Delete,
    "discard": Discard,
    "advance": Advance,
    "pause": Pause,
}
_NAMES: Final[Mapping[type[Step], str]] = {kind: name for name, kind in _KINDS.items()}


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
        "kept": as_json(kept_forms(plan.kept)),
        **({"gone": as_json(kept_forms(plan.gone))} if plan.gone else {}),
        **({"skippedHooks": as_json(kept_forms(plan.skipped_hooks))} if plan.skipped_hooks else {}),
        "reach": as_json([reach_form(note) for note in plan.reach]),
    }


def parse_plan(document: JSONValue) -> Plan:
    """Return the plan that a document holds: what :func:`plan_document` made, decoded from JSON.

    Raises:
        MalformedError: when it is not a plan, or one of another version; when a step needs one that comes after it.
    """
    parts = Part.of_kind(KIND, "plan", document)
    parts.require("apiVersion", "kind", "removal", "steps", "kept", "reach", may=["gone", "skippedHooks"])
    steps = tuple(map(_step, parts.parts("steps")))
    _check_order(steps)
    return Plan(
        steps=steps,
        kept=tuple(map(_kept, parts.parts("kept"))),
        gone=tuple(map(_kept, parts.parts("gone"))) if "gone" in parts.body else (),
        skipped_hooks=tuple(map(_kept, parts.parts("skippedHooks"))) if "skippedHooks" in parts.body else (),
        reach=tuple(map(_reach_note, parts.parts("reach"))),
        is_removal=parts.flag("removal"),
    )


def _check_order(steps: Iterable[Step]) -> None:
    known: set[str] = set()
    for step in steps:
        for need in step.needs:
            if need not in known:
                raise MalformedError(f"step {step.id} needs {need}, and no step before it has that name")
        if step.id in known:
            raise MalformedError(f"two steps have the name {step.id}")
        known.add(step.id)


def _step_data(step: Step) -> Body:
    own = {field.name: getattr(step, field.name) for field in fields(step)}
    data: dict[str, JSONValue] = {"kind": _NAMES[type(step)]}
    return data | {_FIELDS[name][0]: _FIELDS[name][1](value) for name, value in own.items()}


def _step(part: Part) -> Step:
    kind = _KINDS.get(part.text("kind"))
    if kind is None:
        raise MalformedError(f"{part.place}.kind is {part.text('kind')!r}, and has to be one of {', '.join(_KINDS)}")
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


def _target(part: Part) -> Target:
    part.require("object", "action", "liveUid", "digest", "claims", "waitsForOwned")
    return Target(
        ref=part.ref("object"),
        action=part.one_of("action", Action),
        live_uid=part.text("liveUid"),
        digest=part.digest("digest"),
        claims=tuple(map(_target, part.parts("claims"))),
        waits_for_owned=part.flag("waitsForOwned"),
    )


def _paced_data(paced: Paced) -> Body:
    return {"object": str(paced.ref), "share": paced.share, "pods": paced.pods, "of": paced.of}


def _paced(part: Part) -> Paced:
    part.require("object", "share", "pods", "of")
    return Paced(ref=part.ref("object"), share=part.text("share"), pods=part.count("pods"), of=part.count("of"))


def _kept(part: Part) -> KeptObject:
    part.require("object", "reason")
    return KeptObject(part.ref("object"), part.text("reason"))


def _reach_note(part: Part) -> ReachNote:
    is_compared = "live" in part.body
    part.require("kind", "subject", "declared", "source", *(["live"] if is_compared else []))
    return ReachNote(
        part.text("kind"),
        part.text("subject"),
        part.flag("declared"),
        part.text("source"),
        part.flag("live") if is_compared else None,
    )


_FIELDS: Final[Mapping[str, tuple[str, Callable[[Any], JSONValue], Callable[[Part, str], Any]]]] = {
    "id": ("id", str, Part.name),
    "needs": ("needs", list, Part.texts),
    "component": ("component", str, Part.text),
    "moment": ("moment", str, lambda part, key: part.one_of(key, Moment)),
    "until": ("until", str, lambda part, key: part.one_of(key, Until)),
    "refs": ("objects", lambda refs: [str(ref) for ref in refs], Part.refs),
    "targets": (
        "targets",
        lambda targets: [_target_data(target) for target in targets],
        lambda part, key: tuple(map(_target, part.some_parts(key))),
    ),
    "target": ("target", _target_data, lambda part, key: _target(part.part(key))),
    "which": ("which", str, Part.text),
    "written": ("written", str, Part.text),
    "reason": ("reason", str, Part.text),
    "number": ("number", int, Part.ordinal),
    "workloads": (
        "workloads",
        lambda workloads: [_paced_data(one) for one in workloads],
        lambda part, key: tuple(map(_paced, part.parts(key))),
    ),
    "gates": ("gates", list, Part.texts),
}
"""Each field of a step: its key, how it is written, and how it is read."""
