"""The fields of an order, with what the API server and the controller check at each. Layer: menu, pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bundler.menu.place import ENTRY, ITEM, path_below
from bundler.model.json import Body, JSONValue, is_list, is_mapping, list_at, mapping_at, strings_at, text_at
from bundler.model.kind import ControllerCheck, KindField
from bundler.values.problems import shown_value

_WORDS: Final = {
    "minLength": "length ≥ {}",
    "maxLength": "length ≤ {}",
    "minItems": "items ≥ {}",
    "maxItems": "items ≤ {}",
    "minProperties": "keys ≥ {}",
    "maxProperties": "keys ≤ {}",
    "multipleOf": "multiple of {}",
    "pattern": "matches {}",
    "format": "format {}",
    "x-kubernetes-list-type": "no item twice",
    "anyOf": "one of several rules",
    "oneOf": "exactly one of several rules",
    "not": "not what is excluded",
}
_SIGNS: Final = {"minimum": ("≥", ">"), "maximum": ("≤", "<")}
_SILENT_FORMAT: Final = "int64"


def fields_of(spec: Body, checks: Sequence[ControllerCheck]) -> tuple[KindField, ...]:
    """Return every field, sorted as the schema has them, and places that are not fields and are checked nevertheless.

    Args:
        spec: the schema of ``.spec``.
        checks: what the controller checks.
    """
    fields = tuple(_below(spec, "", checks))
    known = {field.path for field in fields}
    other = dict.fromkeys(check.path for check in checks if check.path not in known)
    return (*fields, *(KindField(path=path, type="", checks=_at(path, checks)) for path in other))


def _below(schema: Body, path: str, checks: Sequence[ControllerCheck]) -> Iterator[KindField]:
    required = strings_at(schema, "required")
    for name, one in mapping_at(schema, "properties").items():
        if is_mapping(one):
            yield from _field(one, path_below(path, name), checks, is_required=name in required)
    for keyword, end in (("items", ITEM), ("additionalProperties", ENTRY)):
        inner = schema.get(keyword)
        if is_mapping(inner) and (_is_telling(inner) or _at(f"{path}{end}", checks)):
            yield from _field(inner, f"{path}{end}", checks)


def _is_telling(schema: Body) -> bool:
    """Return whether there is more to say of an item than its type."""
    return bool(mapping_at(schema, "properties") or _rules(schema) or schema.get("items"))


def _field(
    schema: Body, path: str, checks: Sequence[ControllerCheck], *, is_required: bool = False
) -> Iterator[KindField]:
    yield KindField(
        path=path,
        type=_type(schema),
        rules=tuple(_rules(schema)),
        is_required=is_required,
        description=text_at(schema, "description"),
        checks=_at(path, checks),
    )
    yield from _below(schema, path, checks)


def _at(path: str, checks: Sequence[ControllerCheck]) -> tuple[ControllerCheck, ...]:
    return tuple(check for check in checks if check.path == path)


def _type(schema: Body) -> str:
    kind = text_at(schema, "type")
    if schema.get("x-kubernetes-int-or-string"):
        kind = "integer or string"
    if kind == "array":
        return f"list of {_type(mapping_at(schema, 'items'))}"
    if kind == "object" and is_mapping(free := schema.get("additionalProperties")):
        return f"map of {_type(free)}"
    return kind or "any"


def _rules(schema: Body) -> list[str]:
    """Return the rules that the API server holds, in words."""
    said = []
    if choices := list_at(schema, "enum"):
        said.append(f"one of {', '.join(_shown(one) for one in choices)}")
    for keyword, (with_it, without) in _SIGNS.items():
        if keyword in schema:
            sign = without if schema.get(f"exclusive{keyword.capitalize()}") else with_it
            said.append(f"{sign} {schema[keyword]}")
    for keyword, words in _WORDS.items():
        if keyword in schema and schema[keyword] != _SILENT_FORMAT:
            said.append(words.format(schema[keyword] if not is_list(schema[keyword]) else ""))
    said += [text_at(rule, "message") for rule in list_at(schema, "x-kubernetes-validations")]
    return said + [rule for one in list_at(schema, "allOf") if is_mapping(one) for rule in _rules(one)]


def _shown(value: JSONValue) -> str:
    return value if isinstance(value, str) else shown_value(value, is_sensitive=False)
