"""What a controller and the process of a change say to each other, a line of JSON each. Layer: controller, pure.

The request is one line on standard input, so that nothing of it can be read off the list of processes. What comes back
on standard output are events, and at the end one outcome.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from bundler import DriftedField, DriftedObject, DriftKind
from bundler.controller.changes import Outcome, WantedChange, Work
from bundler.controller.status import AttemptResult, Reason, WaitingPlan
from bundler.model.json import as_json, decode_json, int_at, is_mapping, items_at, mapping_at, strings_at, text_at
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.model.json import Body, JSONValue

_EVENT: Final = "event"
_OUTCOME: Final = "outcome"


def wanted_line(wanted: WantedChange) -> bytes:
    """Return a change as the request for it."""
    return _line(asdict(wanted), lambda text: text)


def read_wanted(line: bytes) -> WantedChange:
    """Return the change that a request asks for.

    Raises:
        ValueError: for what is not a request.
    """
    body = _body_of(line)
    return WantedChange(
        work=Work(text_at(body, "work")),
        body=mapping_at(body, "body"),
        service_account=text_at(body, "service_account"),
        inputs=text_at(body, "inputs"),
        version=text_at(body, "version"),
        ignored=strings_at(body, "ignored"),
        left_alone=tuple(map(_ref, items_at(body, "left_alone"))),
    )


def event_line(event: object, mask: Callable[[str], str]) -> bytes:
    """Return an event as a line of output.

    Args:
        event: as JSON.
        mask: takes what is sensitive out of texts.
    """
    return _line({_EVENT: event}, mask)


def outcome_line(outcome: Outcome, mask: Callable[[str], str]) -> bytes:
    """Return what came of a change as the last line of output.

    Args:
        outcome: what came of it.
        mask: takes what is sensitive out of texts.
    """
    return _line({_OUTCOME: asdict(outcome)}, mask)


def read_line(line: bytes) -> Outcome | Body | None:
    """Return what a line of output says: an outcome, or an event; None for what is neither."""
    try:
        body = _body_of(line)
        return _outcome(mapping_at(body, _OUTCOME)) if _OUTCOME in body else mapping_at(body, _EVENT) or None
    except ValueError:
        return None


def _outcome(body: Body) -> Outcome:
    return Outcome(
        work=Work(text_at(body, "work")),
        inputs=text_at(body, "inputs"),
        result=AttemptResult(text_at(body, "result")),
        reason=Reason(text_at(body, "reason")),
        message=text_at(body, "message"),
        revision=int_at(body, "revision"),
        plan=_plan(mapping_at(body, "plan")),
        corrected=tuple(map(_drifted, items_at(body, "corrected"))),
        signed_by=text_at(body, "signed_by"),
        requests=tuple(_requests(body.get("requests"))),
    )


def _drifted(body: Body) -> DriftedObject:
    names = ("field", "recorded", "live", "manager", "since")
    fields = tuple(DriftedField(**{name: text_at(one, name) for name in names}) for one in items_at(body, "fields"))
    return DriftedObject(ref=_ref(mapping_at(body, "ref")), kind=DriftKind(text_at(body, "kind")), fields=fields)


def _ref(body: Body) -> ObjectRef:
    return ObjectRef(*(text_at(body, name) for name in ("group", "kind", "namespace", "name")))


def _requests(found: JSONValue) -> Iterator[tuple[str, int, int]]:
    for one in found if isinstance(found, list) else ():
        match one:
            case [str(verb), int(status), int(number)]:
                yield verb, status, number
            case _:
                continue


def _plan(body: Body) -> WaitingPlan | None:
    if not body:
        return None
    counts = {name: int_at(body, name) for name in ("create", "update", "recreate", "delete")}
    return WaitingPlan(
        digest=text_at(body, "digest"), why=strings_at(body, "why"), text=text_at(body, "text"), **counts
    )


def _line(value: object, mask: Callable[[str], str]) -> bytes:
    return json.dumps(as_json(value, mask=mask), separators=(",", ":")).encode() + b"\n"


def _body_of(line: bytes) -> Body:
    found = decode_json(line)
    if not is_mapping(found):
        raise ValueError("it is no JSON object")
    return found
