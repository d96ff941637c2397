"""A place in the values as a structural schema of a CustomResourceDefinition. Layer: menu, pure.

Source: Kubernetes documentation, "Specifying a structural schema"; KEP-2335 (vanilla CRD OpenAPI subset).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from bundler.menu.bounds import FORMATS, RULES, together
from bundler.menu.branches import JUNCTORS, SILENT, is_served, junctor
from bundler.menu.notes import EVERYTHING, Notes
from bundler.menu.objects import object_schema
from bundler.model.json import JSONValue, is_list, is_mapping, is_number
from bundler.values.problems import shown_value
from bundler.values.schema_view import reachable

if TYPE_CHECKING:
    from bundler.menu.place import Place

OPEN: Final = "x-kubernetes-preserve-unknown-fields"
EITHER: Final = "x-kubernetes-int-or-string"
_INT32: Final = 2**31
_DROPPED: Final[Mapping[str, tuple[str, ...]]] = {
    "array": ("contains", "prefixItems", "unevaluatedItems", "additionalItems"),
    "object": ("patternProperties", "propertyNames", "unevaluatedProperties", "dependentSchemas"),
}
"""Keywords by the type that they are about, which no definition can have."""
_SCALARS: Final = ("string", "integer", "boolean")


def structural(place: Place, notes: Notes) -> dict[str, JSONValue]:
    """Return the schema of a place, and note what it leaves out.

    Args:
        place: what is described.
        notes: takes what the controller checks instead.
    """
    said = description(place)
    about = {"description": said} if said else {}
    if not is_served(place):
        _leave_whole(place, notes)
        return {**about, OPEN: True}
    types = place.types
    nullable: dict[str, JSONValue] = {"nullable": True} if _takes_null(place) else {}
    if len(types) > 1:
        return {**about, EITHER: True, **nullable, **_rules(place, notes)}
    kind = next(iter(types))
    _leave_dropped(place, kind, notes)
    inner: dict[str, JSONValue] = {}
    if kind == "object":
        inner = object_schema(place, notes, structural)
    elif kind == "array":
        inner = _array(place, notes)
    return {"type": kind, **about, **nullable, **_format(place, kind, notes), **inner, **_rules(place, notes)}


def _leave_whole(place: Place, notes: Notes) -> None:
    if place.is_recursive:
        notes.leave(place.path, EVERYTHING, "it is in itself, and a definition has no references")
    elif not place.types:
        notes.leave(place.path, EVERYTHING, "its rules contradict each other")
    elif any(not SILENT.issuperset(node.node) for node in reachable(place.view.nodes)):
        notes.leave(place.path, EVERYTHING, "it can be of several types")


def _leave_dropped(place: Place, kind: str, notes: Notes) -> None:
    for keyword in (*_DROPPED.get(kind, ()), "if"):
        if any(rule is not True for _, rule in place.rules(keyword)):
            notes.leave(place.path, keyword, "a definition cannot have it")


def _rules(place: Place, notes: Notes) -> dict[str, JSONValue]:
    """Return the rules about the value as a whole."""
    parts: list[Mapping[str, JSONValue]] = []
    for keyword, hold in RULES.items():
        for _, rule in place.rules(keyword):
            part = hold(rule, place.types)
            if part.is_false or not part.is_enough:
                notes.leave(place.path, keyword, part.reason or "nothing fits it")
            if part.schema:
                parts.append(part.schema)
    return together([*parts, *_junctors(place, notes)])


def _junctors(place: Place, notes: Notes) -> list[Mapping[str, JSONValue]]:
    parts: list[Mapping[str, JSONValue]] = []
    for keyword in JUNCTORS:
        for node, _ in place.rules(keyword):
            if place.types == {"object"} and (place.given_keys or place.shown):
                notes.leave(place.path, keyword, "what the bundle itself sets counts, too")
                continue
            part = junctor(place, node, keyword)
            if part.is_false or not part.is_enough:
                notes.leave(place.path, keyword, part.reason or "nothing fits it")
            if part.schema:
                parts.append(part.schema)
    return parts


def _takes_null(place: Place) -> bool:
    """Return whether null is stored: where it is not, the server takes it as not written, as the controller does."""
    return place.is_nullable and not any(list(place.rules(word)) for word in ("enum", "const"))


def _format(place: Place, kind: str, notes: Notes) -> dict[str, JSONValue]:
    if kind == "string" and (named := [rule for _, rule in place.rules("format") if rule in FORMATS]):
        notes.leave(place.path, "type", "the API server takes a list for a text with a format")
        return {"format": named[0]}
    if kind == "integer" and not _is_small(place):
        return {"format": "int64"}
    return {}


def _is_small(place: Place) -> bool:
    """Return whether its bounds keep an integer within 32 bits."""
    least = [rule for word in ("minimum", "exclusiveMinimum") for _, rule in place.rules(word) if is_number(rule)]
    most = [rule for word in ("maximum", "exclusiveMaximum") for _, rule in place.rules(word) if is_number(rule)]
    return bool(least and most) and max(least) >= -_INT32 and min(most) < _INT32


def _array(place: Place, notes: Notes) -> dict[str, JSONValue]:
    if any(list(place.rules(word)) for word in ("prefixItems", "additionalItems")) or _has_listed_items(place):
        notes.leave(place.path, "items", "items at some places have rules of their own")
        schema: dict[str, JSONValue] = {"items": {OPEN: True}}
    else:
        schema = {"items": structural(place.item(), notes)}
    if any(rule is True for _, rule in place.rules("uniqueItems")):
        schema |= _unique(place, schema["items"], notes)
    return schema


def _has_listed_items(place: Place) -> bool:
    return any(isinstance(rule, list) for _, rule in place.rules("items"))


def _unique(place: Place, items: JSONValue, notes: Notes) -> dict[str, JSONValue]:
    is_scalar = isinstance(items, dict) and items.get("type") in _SCALARS and "nullable" not in items
    if is_scalar:
        return {"x-kubernetes-list-type": "set"}
    notes.leave(place.path, "uniqueItems", "the API server compares plain values only")
    return {}


_CODE = "{{"


def description(place: Place) -> str:
    """Return what the schema says a value is for, with its default.

    A default of a definition would be stored with each order, and a later bundle's would reach no one: it is only told.
    """
    said = [place.view.description, default(place)]
    if place.view.is_deprecated:
        moved = f": use {place.view.moved_to}" if place.view.moved_to else ""
        said.append(f"deprecated{moved}")
    if place.view.is_immutable:
        said.append("the value of the first installation stays")
    first, *rest = [one for one in said if one] or [""]
    return f"{first} ({', '.join(rest)})" if rest else first


def default(place: Place) -> str:
    """Return the default of a value in words; empty if there is nothing to show."""
    if place.path in place.derived:
        return "computed by default"
    value = place.given
    if value is None or value == "" or is_mapping(value) or is_list(value) or place.view.holds_sensitive:
        return ""
    return "computed by default" if _CODE in str(value) else f"default {shown_value(value, is_sensitive=False)}"
