"""Properties, required keys and free keys of a mapping. Layer: menu, pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from bundler.menu.place import FROM, Place, as_mapping, field_of
from bundler.menu.rules import is_plain_name, requires
from bundler.model.json import Body, JSONValue, is_list, is_mapping

if TYPE_CHECKING:
    from bundler.menu.notes import Notes

    _Translate = Callable[["Place", "Notes"], dict[str, "JSONValue"]]

_OPEN = "x-kubernetes-preserve-unknown-fields"
_COUNTED = "what the bundle itself sets counts, too"


def object_schema(place: Place, notes: Notes, translate: _Translate) -> dict[str, JSONValue]:
    """Return what a definition says of a mapping besides its type.

    Args:
        place: of the mapping.
        notes: takes what the controller checks instead.
        translate: makes the schema of a place below.
    """
    properties = {key: schema for name in _names(place) for key, schema in _property(place, name, notes, translate)}
    schema: dict[str, JSONValue] = {"properties": properties} if properties else {}
    schema |= _free_keys(place, notes, translate, has_properties=bool(properties))
    required = [field_of(place, name) for name in place.required()]
    # what the bundle sets in part is there without the order, which has to set the rest
    required += [name for name in properties if name in place.given_keys and properties[name].get("required")]
    missing = [name for name in required if name not in properties]
    if missing and _OPEN not in schema:
        notes.leave(place.path, "required", f"the order cannot set {', '.join(missing)}")
    known = [name for name in required if name not in missing or _OPEN in schema]
    for name in known:
        properties.get(name, {}).pop("nullable", None)  # null counts as if it were not written
    schema |= {"required": known} if known else {}
    return schema | _counts(place, notes) | _dependent(place, properties, notes)


def _names(place: Place) -> list[str]:
    """Return the properties that an order can set."""
    shown = [name for name in place.shown if name in place.names] if place.shown else place.view.property_names
    return [name for name in shown if not _is_forbidden(place, name)]


def _is_forbidden(place: Place, name: str) -> bool:
    return any(as_mapping(rule).get(name) is False for _, rule in place.rules("properties"))


def _property(
    place: Place, name: str, notes: Notes, translate: _Translate
) -> Iterator[tuple[str, dict[str, JSONValue]]]:
    child = place.child(name)
    if not child.is_secret:
        yield name, translate(child, notes)
        return
    path = f"{child.path}{FROM}"
    notes.secrets[path] = "string" in child.view.types
    notes.leave(path, "*", "the value is in a Secret, which the API server does not look into")
    said = child.view.description or name
    yield field_of(place, name), secret_schema(f"Secret with {said}")


def secret_schema(description: str) -> dict[str, JSONValue]:
    """Return the schema of a field that names a key of a Secret in the order's namespace."""
    text: Body = {"type": "string", "minLength": 1, "maxLength": 253}
    return {
        "type": "object",
        "description": description,
        "properties": {
            "name": {**text, "description": "name of the Secret, in the namespace of the order"},
            "key": {**text, "description": "key of the Secret"},
        },
        "required": ["name", "key"],
    }


def _free_keys(place: Place, notes: Notes, translate: _Translate, *, has_properties: bool) -> dict[str, JSONValue]:
    """Return what is said of keys that no schema names."""
    if place.shown:
        return {}
    if place.view.nodes and place.view.is_closed:
        return {}
    free = [rule for _, rule in place.rules("additionalProperties") if is_mapping(rule) and rule]
    has_patterns = any(True for _ in place.rules("patternProperties"))
    if free and not has_properties and not has_patterns and not list(place.rules("unevaluatedProperties")):
        return {"additionalProperties": translate(place.entry(), notes)}
    if free or any(is_mapping(node.node.get("additionalProperties")) for node in place.view.nodes):
        notes.leave(place.path, "additionalProperties", "a definition has either named keys or free ones")
    return {_OPEN: True}


def _counts(place: Place, notes: Notes) -> dict[str, JSONValue]:
    found: dict[str, JSONValue] = {}
    for keyword, strictest in (("minProperties", max), ("maxProperties", min)):
        numbers = [int(rule) for _, rule in place.rules(keyword) if isinstance(rule, int | float)]
        if numbers:
            notes.leave(place.path, keyword, _COUNTED)
            if not place.given_keys and not place.shown:
                found[keyword] = strictest(numbers)
    return found


def _dependent(place: Place, properties: dict[str, dict[str, JSONValue]], notes: Notes) -> dict[str, JSONValue]:
    """Return what keys ask for other keys."""
    rules: list[JSONValue] = []
    for keyword in ("dependentRequired", "dependencies"):
        for _, named in place.rules(keyword):
            for name, others in as_mapping(named).items():
                wanted = _wanted(place, others)
                if wanted is None:
                    notes.leave(place.path, keyword, "a definition cannot have it")
                elif wanted and _can_say(place, name, wanted, properties):
                    rules.append(requires(field_of(place, name), [field_of(place, one) for one in wanted]))
                elif wanted:
                    notes.leave(place.path, keyword, "an expression cannot name all of its keys")
    return {"x-kubernetes-validations": rules} if rules else {}


def _wanted(place: Place, others: JSONValue) -> list[str] | None:
    """Return the keys that are asked for and that the bundle does not set; None where it is a schema."""
    if not is_list(others):
        return None
    return [str(one) for one in others if one not in place.given_keys]


def _can_say(place: Place, name: str, wanted: list[str], properties: dict[str, dict[str, JSONValue]]) -> bool:
    fields = [field_of(place, one) for one in (name, *wanted)]
    is_known = all(one in properties and is_plain_name(one) for one in fields)
    can_be_null = any("nullable" in properties.get(one, {}) for one in fields)
    return place.is_single and is_known and not can_be_null and name not in place.given_keys
