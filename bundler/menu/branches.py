"""``anyOf``, ``oneOf`` and ``not`` as a CustomResourceDefinition can have them. Layer: menu, pure.

Inside of them a structural schema has rules about values and no types, descriptions or maps. ``anyOf`` may lose rules
of a branch: it then accepts more, and the controller checks the rest. ``oneOf`` and ``not`` turn round what they hold,
so they are kept only where each branch says exactly what the bundle's schema does.

Source: Kubernetes documentation, "Specifying a structural schema".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from bundler.menu.bounds import RULES, Part, together, unserved
from bundler.menu.place import Place, as_mapping, field_of
from bundler.model.json import JSONValue, is_list, is_mapping
from bundler.values.schema_view import SchemaNode, expand

JUNCTORS: Final = ("anyOf", "oneOf", "not")
SILENT: Final = frozenset({
    "$comment", "$defs", "$id", "$ref", "$schema", "$anchor", "allOf", "contentEncoding", "contentMediaType", "default",
    "definitions", "deprecated", "description", "examples", "format", "immutable", "readOnly", "title",
})  # fmt: skip
"""Keywords that check nothing, and those that are followed."""
_MAX_DEPTH: Final = 8


def junctor(place: Place, node: SchemaNode, keyword: str, depth: int = 0) -> Part:
    """Return what a definition can hold of one ``anyOf``, ``oneOf`` or ``not``.

    Args:
        place: where it stands; it has a type in the definition.
        node: the schema that has the keyword.
        keyword: which of them.
        depth: how many of them are around it.
    """
    rule = node.node[keyword]
    if depth > _MAX_DEPTH:
        return unserved("alternatives are within each other more deeply than it is worth")
    branches = [_branch(place, node, one, depth) for one in (rule if is_list(rule) else [rule])]
    return _BUILDERS[keyword](branches)


def _any(branches: Sequence[Part]) -> Part:
    alive = [one for one in branches if not one.is_false]
    if not alive:
        return Part(is_false=True)
    reason = next((one.reason for one in alive if not one.is_exact), "")
    is_exact = all(one.is_exact for one in alive)
    if any(not one.schema for one in alive):
        return Part({}, is_exact=any(one.is_exact and not one.schema for one in alive), reason=reason)
    is_stricter = all(one.is_enough for one in alive)
    if len(alive) == 1:
        return alive[0]
    return Part({"anyOf": [one.schema for one in alive]}, is_exact=is_exact, is_stricter=is_stricter, reason=reason)


def _one(branches: Sequence[Part]) -> Part:
    alive = [one for one in branches if not one.is_false]
    if inexact := next((one for one in alive if not one.is_exact), None):
        return unserved(inexact.reason or "the API server reads a pattern of it more strictly")
    if len(alive) < 2:
        return alive[0] if alive else Part(is_false=True)
    return Part({"oneOf": [one.schema for one in alive]})


def _not(branches: Sequence[Part]) -> Part:
    branch = branches[0]
    if branch.is_false:
        return Part()
    if not branch.is_exact:
        return unserved(branch.reason or "the API server reads a pattern of it more strictly")
    return Part({"not": branch.schema}) if branch.schema else Part(is_false=True)


_BUILDERS: Final[dict[str, Callable[[Sequence[Part]], Part]]] = {"anyOf": _any, "oneOf": _one, "not": _not}


def _branch(place: Place, around: SchemaNode, schema: JSONValue, depth: int) -> Part:
    if not is_mapping(schema):
        return Part(is_false=schema is False)
    start = SchemaNode(around.root, schema, around.location)
    nodes = [node for node in expand([start]) if node.is_certain]
    return _all(
        [_judged(place, node, keyword, depth) for node in nodes for keyword in node.node if keyword not in SILENT]
    )


def _all(parts: Sequence[Part]) -> Part:
    """Return what holds where all of some rules do."""
    inexact = [one for one in parts if not one.is_exact]
    return Part(
        together([one.schema for one in parts if one.schema]),
        is_exact=not inexact,
        is_stricter=all(one.is_enough for one in parts),
        reason=next((one.reason for one in inexact), ""),
        is_false=any(one.is_false for one in parts),
    )


def _judged(place: Place, node: SchemaNode, keyword: str, depth: int) -> Part:
    rule = node.node[keyword]
    if keyword == "type":
        return _type(place, rule)
    if keyword == "required":
        return _required(place, rule)
    if keyword == "properties":
        return _properties(place, node, depth)
    if keyword in JUNCTORS:
        return junctor(place, node, keyword, depth + 1)
    if keyword in RULES:
        return RULES[keyword](rule, place.types)
    return unserved(f"{keyword} cannot be written inside of alternatives")


def _type(place: Place, rule: JSONValue) -> Part:
    named = {str(one) for one in rule} if is_list(rule) else {str(rule)}
    named |= {"integer"} if "number" in named else set()
    if place.types <= named:
        return Part()
    can_be = place.types | ({"integer"} if "number" in place.types else set())
    if named.isdisjoint(can_be):
        return Part(is_false=True)
    return unserved("types cannot be written inside of alternatives")


def _required(place: Place, rule: JSONValue) -> Part:
    if "object" not in place.types or not is_list(rule):
        return Part()
    names = [str(name) for name in rule]
    if any(name not in place.view.property_names for name in names):
        return unserved("it requires a key that no property describes")
    can_be_null = any(place.child(name).is_nullable for name in names)
    schema = {"required": [field_of(place, name) for name in names]}
    reason = "null counts as if it were not written" if can_be_null else ""
    return Part(schema if names else {}, is_exact=not can_be_null, reason=reason)


def _properties(place: Place, node: SchemaNode, depth: int) -> Part:
    if "object" not in place.types:
        return Part()
    parts = [
        _property(place, node, name, schema, depth) for name, schema in as_mapping(node.node["properties"]).items()
    ]
    return _all(parts)


def _property(place: Place, node: SchemaNode, name: str, schema: JSONValue, depth: int) -> Part:
    child = place.child(name)
    if child.is_secret:
        return Part() if schema is True or schema == {} else unserved("the value is in a Secret")
    if not is_served(child):
        return Part() if schema is True or schema == {} else unserved("the value has no single type")
    if child.given is not None:
        return unserved("the bundle sets a value of its own")
    part = _branch(child, node, schema, depth)
    if part.is_false:
        return Part({"not": {"required": [name]}}, is_exact=not child.is_nullable, reason="null counts as not written")
    return Part(
        {"properties": {name: part.schema}} if part.schema else {},
        is_exact=part.is_exact and not child.is_nullable,
        is_stricter=part.is_stricter,
        reason=part.reason,
    )


def is_served(place: Place) -> bool:
    """Return whether a definition has a type for a place."""
    types = place.types
    return not place.is_recursive and (len(types) == 1 or types == {"integer", "string"})
