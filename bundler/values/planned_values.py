"""Whether values are those of a saved plan, sensitive ones by their salted digests. Layer: values, pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.model.json import Body, JSONValue, at_pointer, is_mapping
from bundler.model.salted import salted_digest
from bundler.values.changes import is_same_to_templates
from bundler.values.hidden_leaves import masked_at
from bundler.values.paths import pointer_as_path

if TYPE_CHECKING:
    from bundler.model.saved_plan import SavedValues


def moved_values(saved: SavedValues, now: Body) -> list[str]:
    """Return which of the user's values are not those of a saved plan, a line each.

    Args:
        saved: with digests of what is sensitive.
        now: the values that the same request leads to, nothing masked.
    """
    wrong = [pointer for pointer, digest in saved.sensitive.items() if not _fits(now, pointer, digest, saved.salt)]
    lines = [f"{pointer_as_path(pointer)}: the sensitive value is not the one that was planned" for pointer in wrong]
    if not is_same_to_templates(masked_at(now, saved.sensitive), saved.new):
        changed = sorted(_differing(saved.new, masked_at(now, saved.sensitive), ""))
        lines += [f"{path}: the value is not the one that was planned" for path in changed]
    return lines


def _fits(now: Body, pointer: str, digest: str, salt: str) -> bool:
    value, is_there = at_pointer(now, pointer)
    return is_there and salted_digest(value, salt) == digest


def _differing(before: JSONValue, after: JSONValue, path: str) -> Iterator[str]:
    if is_mapping(before) and is_mapping(after):
        for key in before.keys() | after.keys():
            here = f"{path}.{key}" if path else str(key)
            yield from _differing(before.get(key), after.get(key), here)
    elif not is_same_to_templates(before, after):
        yield path
