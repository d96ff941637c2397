"""Answer "valid" without a schema library, or do not answer. Layer: values, pure.

Importing jsonschema costs about 0.1 s, more than all the rest of ``bundler template`` on a small bundle. Values are
nearly always valid and schemas nearly always use these keywords, so this answers first; whatever it does not know
surely, and whatever looks wrong, is for jsonschema to judge. A property test holds the two to the same answer.

Source: JSON Schema 2020-12, validation, section 6; core, sections 8 to 11.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from bundler.model.json import is_list, is_mapping, is_number, list_length, mapping_length, text_length, type_name
from bundler.model.place import at_place
from bundler.values.schema_view import ALL_TYPES, SCHEMA_FILE, final_reference, pointer_in

if TYPE_CHECKING:
    from bundler.model.json import Body, JSONValue

    _Check: TypeAlias = "Callable[[_Place, JSONValue, JSONValue], bool]"

_MAX_DEPTH = 120
_MAX_STEPS = 200_000
_NEWEST = "https://json-schema.org/draft/2020-12/schema"
_ANNOTATIONS = frozenset({
    "$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples", "deprecated",
    "readOnly", "writeOnly", "format", "immutable",
})  # fmt: skip
_DIALECTS = frozenset({
    _NEWEST, "https://json-schema.org/draft/2020-12/schema#",
    "http://json-schema.org/draft-07/schema", "http://json-schema.org/draft-07/schema#",
})  # fmt: skip


class _Run:
    """One whole check: the document that references are resolved in, and how many schemas were checked."""

    __slots__ = ("file", "root", "steps", "verdicts")

    def __init__(self, root: Body, file: str) -> None:
        self.root, self.file, self.steps = root, file, 0
        self.verdicts: dict[tuple[int, int], bool] = {}
        """Whether the value was found to fit the schema behind the reference: many ways can lead to the same two."""


class _Place:
    """The schema that a keyword stands in."""

    __slots__ = ("depth", "node", "run")

    def __init__(self, run: _Run, node: Body, depth: int) -> None:
        self.run, self.node, self.depth = run, node, depth

    def search(self, pattern: str, text: str, keyword: str) -> bool:
        with at_place(lambda: f"{self.run.file}#{pointer_in(self.run.root, self.node)}/{keyword}"):
            return re.search(pattern, text) is not None

    def accepts(self, schema: JSONValue, value: JSONValue) -> bool:
        return _accepts(self.run, schema, value, self.depth + 1)


def is_surely_valid(schema: Body, value: JSONValue, file: str = SCHEMA_FILE) -> bool:
    """Return whether ``value`` is valid without doubt. False is not a verdict: ask jsonschema.

    Args:
        schema: as the bundle has it.
        value: all values.
        file: how errors call the schema.
    """
    if schema.get("$schema", _NEWEST) not in _DIALECTS:
        return False
    try:
        return _accepts(_Run(schema, file), schema, value, 0)
    except re.error:
        return False


def has_only_unique(items: Sequence[JSONValue]) -> bool:
    """Return whether no two items are equal as JSON is: keys in any order, 1 and 1.0 the same, true and 1 not."""
    return len({_key(item) for item in items}) == len(items)


def _key(value: JSONValue) -> Hashable:
    """Return what is equal for values that are."""
    if is_mapping(value):
        return "{}", frozenset((key, _key(item)) for key, item in value.items())
    if is_list(value):
        return "[]", tuple(map(_key, value))
    return (isinstance(value, bool), value) if isinstance(value, int | float) else value


def _accepts(run: _Run, schema: JSONValue, value: JSONValue, depth: int) -> bool:
    if isinstance(schema, bool):
        return schema
    run.steps += 1
    if not is_mapping(schema) or depth > _MAX_DEPTH or run.steps > _MAX_STEPS:
        return False
    if "$id" in schema and schema is not run.root:
        return False  # references below are relative to it
    place = _Place(run, schema, depth)
    for keyword, rule in schema.items():
        if keyword in _ANNOTATIONS or keyword.startswith("x-"):
            continue
        check = _CHECKS.get(keyword)
        if check is None or not check(place, rule, value):
            return False
    return True


def _reference(place: _Place, rule: JSONValue, value: JSONValue) -> bool:
    if not isinstance(rule, str) or not (rule == "#" or rule.startswith("#/")) or "%" in rule:
        return False
    if not _ANNOTATIONS | {"$ref"} >= place.node.keys():
        return False  # draft 07 ignores what is beside a reference, 2020-12 does not
    met, verdicts = (id(place.node), id(value)), place.run.verdicts
    if met not in verdicts:
        verdicts[met] = place.accepts(final_reference(place.run.root, place.node), value)
    return verdicts[met]


def _type(_place: _Place, rule: JSONValue, value: JSONValue) -> bool:
    allowed = (rule,) if isinstance(rule, str) else rule
    if not is_list(allowed) or not all(isinstance(item, str) and item in ALL_TYPES for item in allowed):
        return False
    name = type_name(value)
    return name in allowed or (name == "integer" and "number" in allowed)


def _enum(_place: _Place, rule: JSONValue, value: JSONValue) -> bool:
    return is_list(rule) and any(_is_same(item, value) for item in rule)


def _const(_place: _Place, rule: JSONValue, value: JSONValue) -> bool:
    return _is_same(rule, value)


def _is_same(one: JSONValue, other: JSONValue) -> bool:
    if isinstance(one, str | bool | None):
        return type(one) is type(other) and one == other
    return _number(one) is not None and _number(other) is not None and one == other


def _number(value: JSONValue) -> int | float | None:
    return value if is_number(value) else None


def _properties(place: _Place, rule: JSONValue, value: JSONValue) -> bool:
    if not is_mapping(rule):
        return False
    return not is_mapping(value) or all(place.accepts(rule[key], item) for key, item in value.items() if key in rule)


def _pattern_properties(place: _Place, rule: JSONValue, value: JSONValue) -> bool:
    if not is_mapping(rule):
        return False
    if not is_mapping(value):
        return True
    return all(
        place.accepts(schema, item)
        for key, item in value.items()
        for pattern, schema in rule.items()
        if place.search(pattern, key, "patternProperties")
    )


def _additional_properties(place: _Place, rule: JSONValue, value: JSONValue) -> bool:
    if not is_mapping(value):
        return isinstance(rule, bool) or is_mapping(rule)
    named, patterns = place.node.get("properties", {}), place.node.get("patternProperties", {})
    if not is_mapping(named) or not is_mapping(patterns):
        return False
    free = [
        key
        for key in value
        if key not in named and not any(place.search(one, key, "patternProperties") for one in patterns)
    ]
    return all(place.accepts(rule, value[key]) for key in free)


def _required(_place: _Place, rule: JSONValue, value: JSONValue) -> bool:
    if not is_list(rule) or not all(isinstance(key, str) for key in rule):
        return False
    return not is_mapping(value) or all(key in value for key in rule)


def _property_names(place: _Place, rule: JSONValue, value: JSONValue) -> bool:
    return not is_mapping(value) or all(place.accepts(rule, key) for key in value)


def _items(place: _Place, rule: JSONValue, value: JSONValue) -> bool:
    if is_list(rule) or "prefixItems" in place.node:
        return False
    return not is_list(value) or all(place.accepts(rule, item) for item in value)


def _all_of(place: _Place, rule: JSONValue, value: JSONValue) -> bool:
    return is_list(rule) and all(place.accepts(branch, value) for branch in rule)


def _any_of(place: _Place, rule: JSONValue, value: JSONValue) -> bool:
    return is_list(rule) and any(place.accepts(branch, value) for branch in rule)


def _pattern(place: _Place, rule: JSONValue, value: JSONValue) -> bool:
    if not isinstance(rule, str):
        return False
    return not isinstance(value, str) or place.search(rule, value, "pattern")


def _bound(holds: Callable[[float, float], bool], measure: Callable[[JSONValue], float | None]) -> _Check:
    def check(_place: _Place, rule: JSONValue, value: JSONValue) -> bool:
        limit, size = _number(rule), measure(value)
        return limit is not None and (size is None or holds(size, limit))

    return check


def _unique_items(_place: _Place, rule: JSONValue, value: JSONValue) -> bool:
    if rule is False or not is_list(value):
        return isinstance(rule, bool)
    return has_only_unique(value)


_CHECKS: Mapping[str, _Check] = {
    "$ref": _reference,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "required": _required,
    "propertyNames": _property_names,
    "items": _items,
    "allOf": _all_of,
    "anyOf": _any_of,
    "pattern": _pattern,
    "minimum": _bound(operator.ge, _number),
    "maximum": _bound(operator.le, _number),
    "exclusiveMinimum": _bound(operator.gt, _number),
    "exclusiveMaximum": _bound(operator.lt, _number),
    "minLength": _bound(operator.ge, text_length),
    "maxLength": _bound(operator.le, text_length),
    "minItems": _bound(operator.ge, list_length),
    "maxItems": _bound(operator.le, list_length),
    "minProperties": _bound(operator.ge, mapping_length),
    "maxProperties": _bound(operator.le, mapping_length),
    "uniqueItems": _unique_items,
}
