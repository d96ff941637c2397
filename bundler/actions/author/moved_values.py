"""Whether the new paths that a values schema names can take what is carried over to them. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.bundle import ValuesPathError
from bundler.syntax.written_path import format_path
from bundler.values.paths import leading_keys, parse_path, set_value
from bundler.values.schema_view import MOVED_TO, bundle_view
from bundler.values.unknown_keys import unknown_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bundler.expressions.expression import ValuePath
    from bundler.model.bundle import Bundle
    from bundler.model.json import Body
    from bundler.values.schema_view import SchemaView

_HINT = "name the path of a value that this bundle has, from the root of its values: web.replicas"
_LEAF = True
"""Stands for any value, to ask which keys around it are known."""


def moved_problems(bundle: Bundle, schemas: Iterable[Body]) -> Iterator[tuple[Body, str, str]]:
    """Yield the schemas of ``bundle`` whose new path does not work: the schema, what is wrong, and what to do."""
    view = bundle_view(bundle)
    effective: set[int] = set()
    for path, place in _moved_places(view.own, (), frozenset()):
        nodes = [node.node for node in place.nodes if MOVED_TO in node.node]
        effective |= {id(node) for node in nodes if place.is_deprecated}
        if place.is_deprecated and (found := _problem(path, place, bundle, view)):
            yield (nodes[0], *found)
    for schema in schemas:
        if MOVED_TO in schema and id(schema) not in effective:
            yield schema, *_without_effect(schema)


def _moved_places(view: SchemaView, path: ValuePath, above: frozenset[int]) -> Iterator[tuple[ValuePath, SchemaView]]:
    """Yield each value that is deprecated or names a new path; what is below a deprecated one moves with it."""
    nodes = {id(node.node) for node in view.nodes}
    if path and (view.is_deprecated or view.moved_to):
        yield path, view
    if not view.is_deprecated and nodes.isdisjoint(above):
        for name in view.property_names:
            yield from _moved_places(view.child(name), (*path, name), above | nodes)


def _problem(path: ValuePath, place: SchemaView, bundle: Bundle, view: SchemaView) -> tuple[str, str] | None:
    old, new = format_path(path), place.moved_to
    if not new:
        named = any(MOVED_TO in node.node for node in place.nodes)
        return (f"the new path of {old} is not a string", _HINT) if named else None
    try:
        steps = parse_path(new)
    except ValuesPathError as error:
        return f'the new path of {old}, "{new}", is not a path: {"; ".join(error.context)}', _HINT
    keys = leading_keys(steps)
    if len(keys) < len(steps):
        return f"the new path of {old}, {new}, leads into a list, where nothing is carried over", _HINT
    if tuple(keys) == path:
        return f"the new path of {old} is its old one", _HINT
    if unknown := _unknown(bundle, keys, view):
        return f"the new path of {old}, {new}, is not one of this bundle: {unknown}", _HINT
    return _misfit(old, new, place, view.at(keys))


def _unknown(bundle: Bundle, keys: list[str], view: SchemaView) -> str:
    """Return what is unknown on the way along ``keys``; empty where all are known, to a component too."""
    found = next(iter(unknown_keys(bundle, set_value({}, keys, _LEAF), view)), None)
    if found is not None:
        return found.sentence("")
    inner = bundle.component_bundles.get(keys[0])
    return _unknown(inner, keys[1:], view.child(keys[0])) if inner is not None and keys[1:] else ""


def _misfit(old: str, new: str, place: SchemaView, target: SchemaView) -> tuple[str, str] | None:
    if target.is_deprecated:
        further = target.moved_to
        hint = f"name {further} at once" if further else "name a path that stays"
        return f"the new path of {old}, {new}, is deprecated itself; nothing is carried over twice", hint
    before, after = _with_integers(place.types), _with_integers(target.types)
    if before.isdisjoint(after):
        kinds = f"{_named(before)} there, {_named(after)} here"
        return (
            f"{old} cannot be carried over to {new}: it is of another type ({kinds})",
            "keep the type, or leave out x-moved-to",
        )
    return None


def _with_integers(types: frozenset[str]) -> frozenset[str]:
    return types | {"integer"} if "number" in types else types


def _named(types: frozenset[str]) -> str:
    return " or ".join(sorted(types)) or "nothing"


def _without_effect(schema: Body) -> tuple[str, str]:
    if schema.get("deprecated") is not True:
        return "x-moved-to does nothing without `deprecated: true` beside it", "write both"
    return (
        "x-moved-to does nothing here: only what `properties` name, from the root down, is carried over",
        "move it to such a value, or leave it out",
    )
