"""What the schema of a custom kind asks of a value beside its type, and the defaults it fills in. Layer: fields, pure.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/, "Validation"
and "Defaulting and Nullable"; the messages of kube-apiserver 1.36.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bundler.fields.keywords import breaks
from bundler.fields.misfit import Misfit, MisfitKind
from bundler.model.json import Body, JSONValue, is_list, mapping_at

if TYPE_CHECKING:
    from bundler.fields.schema import SchemaNode


def with_custom_defaults(body: Body, schema: SchemaNode) -> Body:
    """Return a custom object with the defaults of its definition where fields are missing, or null without leave."""
    return mapping_at(_filled(body, schema))


def custom_problems(value: JSONValue, schema: SchemaNode, path: str = "") -> Iterator[Misfit]:
    """Yield each value of a custom object that its definition refuses although its type is right.

    These are required fields that are missing, nulls, fractions of whole numbers, and values out of bounds.

    Args:
        value: the object, or a part of it.
        schema: what may be there.
        path: where it is in the object.
    """
    if schema.shape == "any" or (value is None and schema.is_nullable):
        return
    if value is None:
        yield _wrong_type(path, "null", schema)
        return
    if isinstance(value, float) and not value.is_integer() and schema.scalar in {"integer", "int-or-string"}:
        yield _wrong_type(path, "number", schema)
    for keyword, bound in schema.constraints.items():
        if breaks(keyword, value, schema.constraints):
            what = f"Invalid value: {path} in body does not fit {keyword}: {json.dumps(bound)}"
            yield Misfit(path, what, MisfitKind.RULE)
    if isinstance(value, Mapping) and schema.shape == "map":
        yield from _field_problems(value, schema, path)
    elif is_list(value) and schema.items is not None:
        for index, item in enumerate(value):
            yield from custom_problems(item, schema.items, f"{path}[{index}]")


def _field_problems(value: Mapping[str, JSONValue], schema: SchemaNode, path: str) -> Iterator[Misfit]:
    for name in schema.required:
        if name not in value:
            yield Misfit(_join(path, name), "Required value", MisfitKind.RULE)
    for name, member in value.items():
        below = schema.field(name)
        if below is not None and not _is_metadata(name, schema):
            yield from custom_problems(member, below, _join(path, name))


def _filled(value: JSONValue, schema: SchemaNode) -> JSONValue:
    if is_list(value) and schema.items is not None:
        items = schema.items
        return [_filled(item, items) for item in value]
    if not isinstance(value, Mapping) or schema.shape != "map":
        return value
    filled = dict(value)
    for name in schema.defaulted_fields:
        below = schema.field(name)
        if below is not None and (name not in value or (value[name] is None and not below.is_nullable)):
            filled[name] = below.default
    return {name: _filled_field(name, member, schema) for name, member in filled.items()}


def _filled_field(name: str, value: JSONValue, schema: SchemaNode) -> JSONValue:
    below = schema.field(name)
    return value if below is None or _is_metadata(name, schema) else _filled(value, below)


def _is_metadata(name: str, schema: SchemaNode) -> bool:
    """Return whether a field is the metadata of an object, whose rules are not the definition's."""
    return name == "metadata" and schema.knows("apiVersion")


def _wrong_type(path: str, found: str, schema: SchemaNode) -> Misfit:
    wanted = {"map": "object", "list": "array"}.get(schema.shape, schema.scalar)
    wanted = {"int-or-string": "integer,string", "time": "string", "bytes": "string"}.get(wanted, wanted)
    what = f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'
    return Misfit(path, what, MisfitKind.RULE)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
