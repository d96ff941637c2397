"""What a definition's schema refuses or drops of one object. Layer: planning, pure.

What cannot be judged here (a CEL rule, a format, a pattern that may take for ever) is a misfit wherever it applies: an
object that had the same one under the old schema is not counted, so that only what is new makes an object suspect.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, TypeAlias

from bundler.fields.keywords import breaks
from bundler.fields.slow_patterns import find_ambiguity
from bundler.model.json import Body, JSONValue, canonical_json, is_list, is_mapping, is_number, strings_at, type_name
from bundler.model.size import shortened
from bundler.planning.definitions.structure import field_of, items_of, list_type_of, rules_of, types_of

Check: TypeAlias = Callable[[JSONValue, JSONValue, Body], str]
"""Takes a value, what a keyword says, and the schema around it; returns what is wrong, empty where nothing is."""
_SHOWN_CHARS = 80
_ANY_NUMBER = (-math.inf, math.inf)
_NUMBERS = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1), "float": _ANY_NUMBER, "double": _ANY_NUMBER}
_BOUNDS = {
    "minimum": "is below the minimum {}",
    "maximum": "is above the maximum {}",
    "multipleOf": "is not a multiple of {}",
    "minLength": "has less than {} characters",
    "maxLength": "has more than {} characters",
    "minItems": "has less than {} items",
    "maxItems": "has more than {} items",
    "minProperties": "has less than {} fields",
    "maxProperties": "has more than {} fields",
}
_MAX_CHARS = 4_000
"""Longer texts are searched by no pattern."""


class Misfit(NamedTuple):
    """One place of an object, and what is wrong there; no value is named, it may be secret."""

    path: str
    what: str


def misfits(value: JSONValue, schema: Body, path: str = "") -> Iterator[Misfit]:
    """Yield what a structural schema refuses or drops of a value.

    Args:
        value: of the object.
        schema: ``openAPIV3Schema``, or a part of it.
        path: of the value: ``.spec.size``.
    """
    types, found = types_of(schema), type_name(value)
    if found == "null" and "default" in schema:
        return  # the default takes its place
    if types is not None and found not in types:
        yield Misfit(path, f"must be {' or '.join(sorted(types))}, not {found}")
        return
    yield from _here(value, schema, path)
    if is_mapping(value):
        yield from _below_map(value, schema, path)
    elif is_list(value):
        yield from chain.from_iterable(
            misfits(item, items_of(schema), f"{path}[{at}]") for at, item in enumerate(value)
        )


def _here(value: JSONValue, schema: Body, path: str) -> Iterator[Misfit]:
    for keyword, bound in schema.items():
        check = _CHECKS.get(keyword)
        if check is not None and (what := check(value, bound, schema)):
            yield Misfit(path, what)
    if value is None:
        return
    for rule, message in rules_of(schema).items():
        yield Misfit(
            path, f"has the rule {shortened(message or rule, _SHOWN_CHARS)!r}, which only the server can judge"
        )


def _below_map(value: Mapping[str, JSONValue], schema: Body, path: str) -> Iterator[Misfit]:
    for name in strings_at(schema, "required"):
        if name not in value and "default" not in (field_of(schema, name) or {}):
            yield Misfit(f"{path}.{name}", "is required")
    for name, member in value.items():
        below = field_of(schema, name)
        if below is None:
            yield Misfit(f"{path}.{name}", "is not known any more, and would be dropped")
        else:
            yield from misfits(member, below, f"{path}.{name}")


def fits_branch(value: JSONValue, schema: Body) -> bool:
    """Return whether a value fits a branch of ``anyOf`` and the like, which speaks of no unknown fields."""
    types = types_of(schema)
    if types is not None and type_name(value) not in types:
        return False
    if any(_here(value, schema, "")):
        return False
    if is_mapping(value):
        properties = schema.get("properties")
        known = properties if is_mapping(properties) else {}
        if any(name not in value for name in strings_at(schema, "required")):
            return False
        return all(
            fits_branch(value[name], below) for name, below in known.items() if name in value and is_mapping(below)
        )
    items = schema.get("items")
    return not (is_list(value) and is_mapping(items)) or all(fits_branch(item, items) for item in value)


# --- keywords ------------------------------------------------------------------------------------------------------


def _bounded(keyword: str, words: str) -> Check:
    return lambda value, bound, schema: words.format(bound) if breaks(keyword, value, schema) else ""


def _enum(value: JSONValue, bound: JSONValue, schema: Body) -> str:
    if (value is None and schema.get("nullable") is True) or not breaks("enum", value, schema):
        return ""
    allowed = bound if is_list(bound) else ()
    return f"is not one of {shortened(', '.join(map(str, allowed)), _SHOWN_CHARS)}"


def _pattern(value: JSONValue, bound: JSONValue, _schema: Body) -> str:
    if not isinstance(value, str) or not isinstance(bound, str):
        return ""
    compiled = _compiled(bound)
    shown = shortened(bound, _SHOWN_CHARS)
    if compiled is None or len(value) > _MAX_CHARS:
        return f"has the pattern {shown}, which only the server can judge"
    return "" if compiled.search(value) else f"does not match {shown}"


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Return a pattern as Python reads it; None where it cannot, or where a search may take for ever."""
    try:
        return None if find_ambiguity(pattern) else re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return None


def _format(value: JSONValue, bound: JSONValue, _schema: Body) -> str:
    if value is None or (is_number(value) and bound in _NUMBERS):
        low, high = _NUMBERS.get(str(bound), _ANY_NUMBER)
        return f"is no {bound}" if is_number(value) and not low <= value <= high else ""
    return f"has the format {bound}, which only the server can judge"


def _list_type(value: JSONValue, bound: JSONValue, schema: Body) -> str:
    if not is_list(value) or bound not in {"set", "map"}:
        return ""
    _, keys = list_type_of(schema)
    told = [_key(item, keys, items_of(schema)) if bound == "map" else canonical_json(item) for item in value]
    if len(set(told)) == len(told):
        return ""
    return f"has two items with the same {', '.join(keys)}" if bound == "map" else "has an item twice"


def _key(item: JSONValue, keys: tuple[str, ...], items: Body) -> bytes:
    members = item if is_mapping(item) else {}
    return canonical_json([members.get(key, (field_of(items, key) or {}).get("default")) for key in keys])


def _branches(keyword: str, is_met: Callable[[Sequence[bool]], bool]) -> Check:
    def check(value: JSONValue, bound: JSONValue, _schema: Body) -> str:
        fitting = [fits_branch(value, one) for one in bound if is_mapping(one)] if is_list(bound) else []
        return "" if not fitting or is_met(fitting) else f"does not fit {keyword}"

    return check


def _not(value: JSONValue, bound: JSONValue, _schema: Body) -> str:
    return "fits what it must not be" if is_mapping(bound) and fits_branch(value, bound) else ""


_CHECKS: Mapping[str, Check] = {
    **{keyword: _bounded(keyword, words) for keyword, words in _BOUNDS.items()},
    "enum": _enum,
    "pattern": _pattern,
    "format": _format,
    "x-kubernetes-list-type": _list_type,
    "allOf": _branches("allOf", all),
    "anyOf": _branches("anyOf", any),
    "oneOf": _branches("oneOf", lambda fitting: sum(fitting) == 1),
    "not": _not,
}
