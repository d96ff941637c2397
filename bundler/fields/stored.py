"""The form in which the API server stores an object. Layer: fields, pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from bundler.fields.quantity import canonical
from bundler.fields.schema import FREE, SchemaNode
from bundler.fields.typed import is_items
from bundler.model.json import Body, JSONValue, mapping_at


def stored_form(body: Body, schema: SchemaNode) -> Body:
    """Return ``body`` as the server would store it: quantities and times canonical, nulls and empty lists left out.

    They stay where the server keeps them: in custom objects; empty lists and maps also where they are required, and
    where an empty object means something (``emptyDir: {}``).
    """
    return mapping_at(stored_value(body, schema))


def stored_value(value: JSONValue, schema: SchemaNode) -> JSONValue:
    """Return one value as the server would store it where ``schema`` stands."""
    if isinstance(value, Mapping):
        kept: dict[str, JSONValue] = {}
        for name, member in value.items():
            inner = schema.field(name) or FREE
            stored = _zero(inner) if _means_zero(name, member, schema) else stored_value(member, inner)
            if not _is_left_out(name, stored, schema):
                kept[name] = stored
        return kept
    if is_items(value):
        items = schema.items or FREE
        # A key that an item leaves out is filled in: it is what tells the item from others.
        keys = {key: default for key, default in schema.key_defaults.items() if default}
        filled = [{**keys, **item} if isinstance(item, Mapping) else item for item in value]
        return [_zero(items) if item is None and schema.drops_empty else stored_value(item, items) for item in filled]
    return _canonical_scalar(value, schema)


def _means_zero(name: str, value: JSONValue, schema: SchemaNode) -> bool:
    """Return whether a null stands for Go's zero: not for a field, but for a value of a map with keys of one's own."""
    return value is None and schema.drops_empty and schema.shape == "map" and not schema.knows(name)


def _zero(schema: SchemaNode) -> JSONValue:
    """Return what Go makes of a null among the items of a list or the values of a map."""
    if schema.shape in {"map", "list"}:
        return {} if schema.shape == "map" else []
    return _ZEROS.get(schema.scalar)


_ZEROS: Mapping[str, JSONValue] = {
    "string": "",
    "bytes": "",
    "quantity": "0",
    "integer": 0,
    "number": 0,
    "int-or-string": 0,
    "boolean": False,
}


def _is_left_out(name: str, stored: JSONValue, schema: SchemaNode) -> bool:
    """Return whether a field of a map is not stored: a null of a built-in kind, or an empty collection."""
    if stored is None:
        return schema.drops_empty
    return name not in schema.required and _is_dropped(stored, schema.field(name) or FREE)


def _is_dropped(value: JSONValue, schema: SchemaNode) -> bool:
    """Return whether the server leaves an empty collection out where this stands."""
    if not schema.drops_empty:
        return False
    if is_items(value):
        return not value
    # A free-form object is a pointer in Go, whose emptiness means something: ``subresources: {status: {}}``.
    values = None if schema.field_names else schema.field("")
    return isinstance(value, Mapping) and not value and values is not None and values.shape != "any"


def _canonical_scalar(value: JSONValue, schema: SchemaNode) -> JSONValue:
    """Return a scalar as the server writes it; what it would refuse stays as it is."""
    try:
        if schema.scalar == "quantity" and isinstance(value, str | int | float) and not isinstance(value, bool):
            return canonical(value, places=3 if schema.is_amount else 9)
        if schema.scalar in {"time", "micro-time"} and isinstance(value, str):
            return _canonical_time(value, has_micros=schema.scalar == "micro-time")
    except ValueError:
        return value
    return value


def _canonical_time(text: str, *, has_micros: bool) -> str:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return text
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ" if has_micros else "%Y-%m-%dT%H:%M:%SZ")
