"""What a new schema refuses or drops that the old one took. Layer: planning, pure.

Nothing is found where the new schema takes every object that the old one took, or where it only takes more.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from bundler.fields.typed import same
from bundler.model.json import Body, JSONValue, is_list, is_mapping, is_number, list_at, mapping_at, strings_at
from bundler.model.size import shortened
from bundler.planning.definitions.structure import (
    EMBEDDED,
    OF_EVERY_OBJECT,
    field_of,
    items_of,
    list_type_of,
    other_fields_of,
    root_of,
    rules_of,
    takes_anything,
    types_of,
)

_SHOWN_CHARS = 80
_LEAST = ("minLength", "minItems", "minProperties")
_MOST = ("maxLength", "maxItems", "maxProperties")
_WIDER_FORMATS = {("int32", "int64"), ("float", "double")}
_NAME: Body = {"type": "string"}


class Narrowing(NamedTuple):
    """One place in which a new schema takes less than the old one."""

    path: str
    """``.spec.size``; ``[]`` is each item, and ``.*`` each other field."""
    what: str


def narrowings(old: Body, new: Body) -> list[Narrowing]:
    """Return where the new schema of a kind takes less than the old one.

    Args:
        old: ``openAPIV3Schema`` of a version as it is live.
        new: the same as it is to be.
    """
    return [*_narrower(root_of(old), root_of(new), ""), *_narrower_names(old, new)]


def _narrower_names(old: Body, new: Body) -> Iterator[Narrowing]:
    """Of metadata, a schema may restrict the names."""
    before, after = (mapping_at(one, "properties", "metadata", "properties") for one in (old, new))
    for name, schema in after.items():
        if is_mapping(schema):
            was = before.get(name)
            yield from _narrower(
                was if is_mapping(was) else {**_NAME, "type": schema.get("type")}, schema, f".metadata.{name}"
            )


def _narrower(old: Body, new: Body, path: str) -> Iterator[Narrowing]:
    if takes_anything(new) or (old == new and same(old, new)):  # most of a schema stays as it is
        return
    was, may = types_of(old), types_of(new)
    if may is not None:
        lost = was - may - ({"null"} if "default" in new else frozenset()) if was is not None else ()
        if was is None:
            yield Narrowing(path, f"takes only {' or '.join(sorted(may))} now")
        elif lost:
            yield Narrowing(path, f"takes no {' or '.join(sorted(lost))} any more")
        if was is not None and not (was & may):
            return
    yield from _narrower_value(old, new, path)
    if _may_be("object", was) and _may_be("object", may):
        yield from _narrower_map(old, new, path)
    if _may_be("array", was) and _may_be("array", may):
        yield from _narrower_list(old, new, path)


def _may_be(kind: str, types: frozenset[str] | None) -> bool:
    return types is None or kind in types


# --- one value -----------------------------------------------------------------------------------------------------


def _narrower_value(old: Body, new: Body, path: str) -> Iterator[Narrowing]:
    found = (*_bounds(old, new), *_words(old, new), *_branches(old, new), *_rules(old, new))
    yield from (Narrowing(path, what) for what in found if what)


def _bounds(old: Body, new: Body) -> Iterator[str]:
    yield _edge(old, new, "minimum", "exclusiveMinimum", sign=1)
    yield _edge(old, new, "maximum", "exclusiveMaximum", sign=-1)
    for keyword in _LEAST:
        before, after = _bound(old, keyword), _bound(new, keyword)
        if after is not None and after > (before or 0):
            yield _moved(keyword, before, after)
    for keyword in _MOST:
        before, after = _bound(old, keyword), _bound(new, keyword)
        if after is not None and (before is None or after < before):
            yield _moved(keyword, before, after)
    before, after = _bound(old, "multipleOf"), _bound(new, "multipleOf")
    if after and (not before or (Fraction(str(before)) / Fraction(str(after))).denominator != 1):
        yield _moved("multipleOf", before, after)


def _bound(schema: Body, keyword: str) -> float | None:
    value = schema.get(keyword)
    return value if is_number(value) else None


def _edge(old: Body, new: Body, keyword: str, exclusive: str, *, sign: int) -> str:
    before, after = _bound(old, keyword), _bound(new, keyword)
    if after is None:
        return ""
    if before is None or sign * after > sign * before:
        return _moved(keyword, before, after)
    is_open = new.get(exclusive) is True and old.get(exclusive) is not True
    return f"the {keyword} {after} itself is excluded" if before == after and is_open else ""


def _moved(keyword: str, before: JSONValue, after: JSONValue) -> str:
    return f"{keyword} {after} is new" if before is None else f"{keyword} {before} becomes {after}"


def _words(old: Body, new: Body) -> Iterator[str]:
    pattern, was = new.get("pattern"), old.get("pattern")
    if isinstance(pattern, str) and pattern != was:
        yield f"pattern {shortened(pattern, _SHOWN_CHARS)} {'is new' if was is None else 'is another'}"
    shape, was = new.get("format"), old.get("format")
    if isinstance(shape, str) and shape != was and (was, shape) not in _WIDER_FORMATS:
        yield _moved("format", was, shape)
    allowed, before = new.get("enum"), old.get("enum")
    if is_list(allowed):
        if not is_list(before):
            yield f"takes only {shortened(', '.join(map(str, allowed)), _SHOWN_CHARS)}"
        elif gone := [one for one in before if not any(same(one, other) for other in allowed)]:
            yield f"does not take {shortened(', '.join(map(str, gone)), _SHOWN_CHARS)} any more"
    if new.get("uniqueItems") is True and old.get("uniqueItems") is not True:
        yield "takes no item twice any more"


def _branches(old: Body, new: Body) -> Iterator[str]:
    if any(one not in list_at(old, "allOf") for one in list_at(new, "allOf")):
        yield "allOf asks for more"
    before, after = list_at(old, "anyOf"), list_at(new, "anyOf")
    if after and (not before or any(one not in after for one in before)):
        yield "anyOf takes less"
    for keyword in ("oneOf", "not"):
        if new.get(keyword) and new.get(keyword) != old.get(keyword):
            yield f"{keyword} is another"


def _rules(old: Body, new: Body) -> Iterator[str]:
    before = rules_of(old)
    for rule in rules_of(new):
        if rule not in before:
            yield f"the rule {shortened(rule, _SHOWN_CHARS)!r} is new"


# --- maps and lists ------------------------------------------------------------------------------------------------


def _narrower_map(old: Body, new: Body, path: str) -> Iterator[Narrowing]:
    yield from _newly_required(old, new, path)
    before, after = (one.get("x-kubernetes-map-type") or "granular" for one in (old, new))
    if before != after:
        yield Narrowing(path, f"is merged as {after}, no longer as {before}")
    if new.get(EMBEDDED) is True and old.get(EMBEDDED) is not True:
        yield Narrowing(path, "must be a whole object, with apiVersion, kind and metadata")
    own = OF_EVERY_OBJECT if old.get(EMBEDDED) is True else frozenset()
    for name in sorted(own | mapping_at(old, "properties").keys() | mapping_at(new, "properties").keys()):
        yield from _narrower_field(field_of(old, name), field_of(new, name), f"{path}.{name}")
    yield from _narrower_field(other_fields_of(old), other_fields_of(new), f"{path}.*")


def _newly_required(old: Body, new: Body, path: str) -> Iterator[Narrowing]:
    before = strings_at(old, "required")
    for name in strings_at(new, "required"):
        has_default, had_default = ("default" in (field_of(one, name) or {}) for one in (new, old))
        if not has_default and (name not in before or had_default):
            why = "has no default any more, and is required" if name in before else "is required now"
            yield Narrowing(f"{path}.{name}", why)


def _narrower_field(old: Body | None, new: Body | None, path: str) -> Iterator[Narrowing]:
    if old is None:
        return
    if new is None:
        yield Narrowing(path, "is not known any more, and would be dropped")
    else:
        yield from _narrower(old, new, path)


def _narrower_list(old: Body, new: Body, path: str) -> Iterator[Narrowing]:
    before, after = list_type_of(old), list_type_of(new)
    if before != after:
        yield Narrowing(path, f"is merged as {_list_word(after)}, no longer as {_list_word(before)}")
    yield from _narrower(items_of(old), items_of(new), f"{path}[]")


def _list_word(told: tuple[str, tuple[str, ...]]) -> str:
    word, keys = told
    return f"a map by {', '.join(keys)}" if word == "map" else {"set": "a set"}.get(word, "one value")
