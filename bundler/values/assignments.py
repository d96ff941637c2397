"""The ``--set`` family: one option, one assignment. Layer: values, pure.

Commas, braces and backslashes in a value are themselves; the schema at the path says what the text means.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bundler.errors.bundle import ValuesPathError
from bundler.model.json import JSONValue
from bundler.model.redaction import MASK
from bundler.model.size import shortened
from bundler.model.values import Assignment, AssignmentKind
from bundler.syntax.json_text import read_json
from bundler.syntax.written_path import format_path
from bundler.values.paths import parse_path, read_path, shown_start
from bundler.values.scalars import type_text

if TYPE_CHECKING:
    from bundler.values.schema_view import SchemaView

_MAX_DEPTH = 100
_SHOWN_CHARS = 60


class MismatchError(ValueError):
    """The text of an assignment does not fit the type at its path; the text says so in full."""


def parse_assignment(text: str, *, kind: AssignmentKind = AssignmentKind.SET, content: str | None = None) -> Assignment:
    """Read one option: ``path=value``.

    Args:
        text: as typed.
        kind: which option it stands after.
        content: for ``--set-file`` and ``--set-env``, what the file or variable holds.

    Raises:
        ValuesPathError: when there is no ``=``, or no path before it.
    """
    steps, end = read_path(text)
    if end == len(text):
        shown = shown_start(text)
        raise ValuesPathError(
            f"reading {kind} {shown}",
            context=["there is no = after the path"],
            hint=f"write {kind} {format_path(steps) if shown == text else 'PATH'}=VALUE",
        )
    typed = text[end + 1 :]
    return Assignment(kind=kind, path=text[:end], text=typed if content is None else content, typed=typed)


def assigned_value(assignment: Assignment, view: SchemaView, *, is_sensitive: bool) -> JSONValue:
    """Return the value of ``assignment``, typed by the schemas at its path; None is a deletion.

    ``is_sensitive`` keeps the value out of the error.

    Args:
        assignment: path, text and option.
        view: the schema as seen by this bundle.
        is_sensitive: mask the text in errors.

    Raises:
        MismatchError: when the text fits none of the allowed types, or is not JSON for ``--set-json``.
    """
    if assignment.kind is AssignmentKind.JSON:
        return _parse_json(assignment, is_sensitive=is_sensitive)
    types = view.types
    if assignment.kind is AssignmentKind.FILE and "string" in types:
        return assignment.text
    text = assignment.text.strip() if assignment.kind is AssignmentKind.FILE else assignment.text
    readings = type_text(text, types, view.choices)
    if not readings:
        raise MismatchError(_mismatch(assignment, view, is_sensitive=is_sensitive))
    return readings[0]


def flag_text(assignment: Assignment, *, is_sensitive: bool) -> str:
    """Return the option as typed, with a sensitive value masked."""
    is_masked = is_sensitive and not assignment.names_its_content
    typed = assignment.typed if assignment.typed.isprintable() else ascii(assignment.typed)[1:-1]
    return f"{assignment.kind} {assignment.path}={MASK if is_masked else shortened(typed, _SHOWN_CHARS)}"


def _mismatch(assignment: Assignment, view: SchemaView, *, is_sensitive: bool) -> str:
    types = " or ".join(sorted(view.types - ({"integer"} if "number" in view.types else set()))) or "absent"
    flag = flag_text(assignment, is_sensitive=is_sensitive)
    where = f" (schema {view.location})" if view.location else ""
    return f"{flag}: {format_path(parse_path(assignment.path))} must be {types}{where}"


def _parse_json(assignment: Assignment, *, is_sensitive: bool) -> JSONValue:
    try:
        value = read_json(assignment.text)
        _check_depth(value)
    except (ValueError, RecursionError) as error:
        flag = flag_text(assignment, is_sensitive=is_sensitive)
        raise MismatchError(f"{flag}: not JSON: {_reason(error)}") from error
    return value


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno} column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _check_depth(value: JSONValue, depth: int = 0) -> None:
    if depth > _MAX_DEPTH:
        raise RecursionError
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        _check_depth(item, depth + 1)
