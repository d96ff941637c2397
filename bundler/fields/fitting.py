"""Whether a body fits its kind's schema: unknown fields, wrong types, duplicate keys. Layer: fields, pure.

Source: the messages of structured-merge-diff ``typed`` as kube-apiserver 1.36 passes them on for an apply.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.fields.misfit import Misfit, MisfitKind
from bundler.fields.quantity import Quantity
from bundler.model.json import JSONValue, is_number

if TYPE_CHECKING:
    from bundler.fields.schema import SchemaNode


def type_problems(body: JSONValue, schema: SchemaNode, path: str = "") -> Iterator[Misfit]:
    """Yield everything in ``body`` that the schema does not allow.

    Args:
        body: the object as the API returns it.
        schema: of the place.
        path: of the body, for messages.
    """
    if body is None or schema.shape == "any":
        return
    match schema.shape:
        case "map":
            yield from _map_problems(body, schema, path)
        case "list":
            yield from _list_problems(body, schema, path)
        case _:
            kind, what = _scalar_problem(body, schema)
            if what:
                yield Misfit(path, what, kind)


def _map_problems(body: JSONValue, schema: SchemaNode, path: str) -> Iterator[Misfit]:
    if not isinstance(body, Mapping):
        yield Misfit(path, f"expected map, got {_shown(body)}", MisfitKind.OTHER_TYPE_WANTED)
        return
    for name, value in body.items():
        below = schema.field(name)
        if below is not None:
            yield from type_problems(value, below, f"{path}.{name}")
        elif not schema.allows_unknown:
            yield Misfit(f"{path}.{name}", "field not declared in schema", MisfitKind.UNKNOWN_FIELD)


def _list_problems(body: JSONValue, schema: SchemaNode, path: str) -> Iterator[Misfit]:
    if not isinstance(body, Sequence) or isinstance(body, str):
        yield Misfit(path, f"expected list, got {_shown(body)}", MisfitKind.OTHER_TYPE_WANTED)
        return
    seen: set[str] = set()
    for index, item in enumerate(body):
        if item is None and schema.list_type in _WITHOUT_NULLS:
            yield Misfit(path, f"element {index}: {_WITHOUT_NULLS[schema.list_type]}", MisfitKind.ITEM)
            continue
        key = _item_key(item, schema)
        if key in seen:
            yield Misfit(path, f"duplicate entries for key {key}", MisfitKind.ITEM)
        if key:
            seen.add(key)
        if schema.items is not None:
            yield from type_problems(item, schema.items, f"{path}{key or f'[{index}]'}")


_WITHOUT_NULLS: Mapping[str, str] = {
    "map": "associative list with keys may not have a null element",
    "set": "associative list without keys has an element that's an explicit null",
}


def _item_key(item: JSONValue, schema: SchemaNode) -> str:
    if schema.list_type == "set":
        return f"[={json.dumps(item)}]"
    if schema.list_type != "map" or not isinstance(item, Mapping):
        return ""
    values = {name: item.get(name, schema.key_defaults.get(name)) for name in schema.map_keys}
    return "[" + ",".join(f"{name}={json.dumps(value)}" for name, value in values.items() if value is not None) + "]"


def _is_text(value: JSONValue) -> bool:
    return isinstance(value, str)


def _is_text_or_number(value: JSONValue) -> bool:
    return isinstance(value, str) or is_number(value)


_QUANTITY = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_TESTS: Mapping[str, tuple[Callable[[JSONValue], bool], str]] = {
    "string": (_is_text, "string"),
    "time": (_is_text, "string"),
    "micro-time": (_is_text, "string"),
    "integer": (is_number, "numeric (int or float)"),
    "number": (is_number, "numeric (int or float)"),
    "boolean": (lambda value: isinstance(value, bool), "boolean"),
    "quantity": (_is_text_or_number, "string or number"),
    "int-or-string": (_is_text_or_number, "string or number"),
}


def _scalar_problem(value: JSONValue, schema: SchemaNode) -> tuple[MisfitKind, str]:
    """Return what is wrong with a scalar, empty where nothing is, and of which kind it is."""
    scalar = schema.scalar
    if schema.drops_empty and scalar in {"integer", "int-or-string"} and isinstance(value, float) and value % 1:
        return MisfitKind.WHOLE_WANTED, "expected integer, got fraction"
    if scalar == "bytes":
        return _base64_problem(value)
    if scalar == "quantity" and isinstance(value, str):
        return MisfitKind.QUANTITY, _quantity_problem(value)
    test, wanted = _TESTS.get(scalar, (None, ""))
    kind = MisfitKind.TEXT_WANTED if wanted.startswith("string") else MisfitKind.OTHER_TYPE_WANTED
    return kind, "" if test is None or test(value) else f"expected {wanted}, got {_shown(value)}"


def _quantity_problem(value: str) -> str:
    try:
        Quantity.parse(value)
    except ValueError:
        return f"quantities must match the regular expression '{_QUANTITY}'"
    return ""


def _base64_problem(value: JSONValue) -> tuple[MisfitKind, str]:
    if not isinstance(value, str):
        return MisfitKind.TEXT_WANTED, f"expected string, got {_shown(value)}"
    try:
        b64decode(value.replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        # The value may be half of someone's password: it is not repeated.
        return MisfitKind.BASE64, "illegal base64 data"
    return MisfitKind.BASE64, ""


def _shown(value: JSONValue) -> str:
    """Name the type that was found; a value could be a secret."""
    if isinstance(value, Mapping):
        return "map"
    if isinstance(value, bool):
        return "boolean"
    names = ((str, "string"), (int, "integer"), (float, "number"))  # a float that keeps its text is one too
    return next((name for kind, name in names if isinstance(value, kind)), "list")
