"""Values that stay as they were first installed. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors import Found
from bundler.errors.change import ImmutableFieldError
from bundler.fields.typed import same
from bundler.model.json import is_mapping, pointer_tokens
from bundler.model.redaction import MASK
from bundler.planning.conflicts import in_short
from bundler.planning.problem import Problem
from bundler.values.paths import pointer_as_path, starts_below
from bundler.values.validate import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.json import Body, JSONValue
    from bundler.model.values import MergedValues


def changed_immutables(values: MergedValues, recorded: Body | None, release: str) -> Iterator[Problem]:
    """Find values whose schema says ``immutable: true``, and that are not what the deployed revision recorded.

    A value that was not recorded, since the bundle did not have it then, may be set once.

    Args:
        values: of the upgrade.
        recorded: what the templates of the deployed revision saw, components below their names; None where the record
            does not say.
        release: its name.
    """
    lines = tuple(_changes(values, recorded, "")) if recorded is not None else ()
    if lines:
        yield Problem(
            error=ImmutableFieldError,
            doing=f"upgrading release {release}",
            lines=lines,
            hint="set the recorded value again, or install the bundle under another release name",
        )


def _changes(values: MergedValues, recorded: JSONValue, prefix: str) -> Iterator[Found]:
    for pointer in sorted(values.immutable):
        before, now = _at(recorded, pointer), _at(values.data, pointer)
        if before is None or same(before, now):
            continue
        is_secret = any(starts_below(leaf, pointer) for leaf in values.sensitive)
        old, new = (MASK, MASK) if is_secret else (in_short(before), in_short(now))
        path = f"{prefix}{pointer_as_path(pointer, values.data)}"
        said = f"{old} is recorded and cannot change, {new} is given ({origin_of(pointer, values.origins)})"
        yield Found(f"{path}: {said}", message=said, field=path)
    for name, below in (values.components or {}).items():
        yield from _changes(below, recorded.get(name) if is_mapping(recorded) else None, f"{prefix}{name}.")


def _at(value: JSONValue, pointer: str) -> JSONValue:
    for token in pointer_tokens(pointer):
        if is_mapping(value):
            value = value.get(token)
        elif isinstance(value, list | tuple) and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
        else:
            return None
    return value
