"""What is valid in a values schema and hardly meant: slow patterns, misspelt keywords, new paths that lead nowhere.

Layer: actions, pure.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from bundler.errors.bundle import ValuesPathError
from bundler.fields.slow_patterns import find_ambiguity
from bundler.model.finding import Finding, Level
from bundler.model.json import Body, JSONValue, is_list, is_mapping
from bundler.model.lean import replace
from bundler.model.size import shortened
from bundler.syntax.written_path import format_path
from bundler.values.paths import leading_keys, parse_path, set_value
from bundler.values.schema_view import MOVED_TO, SCHEMA_FILE, SchemaView, bundle_view
from bundler.values.unknown_keys import unknown_keys

if TYPE_CHECKING:
    from bundler.expressions.expression import ValuePath
    from bundler.model.bundle import Bundle

_NAMED: Final = frozenset({
    "properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies", "dependentRequired",
})  # fmt: skip
"""Keywords whose values are mappings with free names."""
_DATA: Final = frozenset({"const", "enum", "default", "examples"})
_KEYWORDS: Final = frozenset({
    "$anchor", "$comment", "$defs", "$dynamicAnchor", "$dynamicRef", "$id", "$ref", "$schema", "$vocabulary",
    "additionalItems", "additionalProperties", "allOf", "anyOf", "const", "contains", "contentEncoding",
    "contentMediaType", "contentSchema", "default", "definitions", "dependencies", "dependentRequired",
    "dependentSchemas", "deprecated", "description", "else", "enum", "examples", "exclusiveMaximum",
    "exclusiveMinimum", "format", "if", "immutable", "items", "maxContains", "maxItems", "maxLength", "maxProperties",
    "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not", "oneOf",
    "pattern", "patternProperties", "prefixItems", "properties", "propertyNames", "readOnly", "required", "then",
    "title", "type", "unevaluatedItems", "unevaluatedProperties", "uniqueItems", "writeOnly",
})  # fmt: skip
"""Source: JSON Schema 2020-12 and draft 07, their meta-schemas; and ``immutable``, which is ours."""
_REPEATED_GROUP: Final = (")*", ")+", "){")
_NEAR: Final = 0.8
_SHOWN_CHARS: Final = 100


def schema_findings(bundle: Bundle) -> Iterator[Finding]:
    """Yield what is wrong with a bundle's schema although it is one."""
    for schema in _schemas(bundle.schema):
        yield from _slow_patterns(schema, bundle)
        yield from _misspelt(schema, bundle)
    for schema, message, hint in moved_problems(bundle, _schemas(bundle.schema)):
        named = schema[MOVED_TO]
        found = _finding(bundle, named if isinstance(named, str) else MOVED_TO, "moved-value", message, hint)
        yield replace(found, level=Level.ERROR)


def _schemas(schema: JSONValue) -> Iterator[Body]:
    """Yield a schema and all schemas in it."""
    pending = [schema]
    while pending:
        here = pending.pop()
        if is_list(here):
            pending += here
        elif is_mapping(here):
            yield here
            for key, value in here.items():
                if key in _NAMED:
                    pending += value.values() if is_mapping(value) else ()
                elif key not in _DATA:
                    pending.append(value)


def _slow_patterns(schema: Body, bundle: Bundle) -> Iterator[Finding]:
    pattern, named = schema.get("pattern"), schema.get("patternProperties")
    for text in ([pattern] if isinstance(pattern, str) else []) + (list(named) if is_mapping(named) else []):
        found = find_ambiguity(text) if any(sign in text for sign in _REPEATED_GROUP) else ""
        if found:
            message = f'the pattern "{shortened(text, _SHOWN_CHARS)}" can take minutes to search: {found}'
            yield _finding(bundle, text, "slow-pattern", message, "let each text fit in one way")


def _misspelt(schema: Body, bundle: Bundle) -> Iterator[Finding]:
    for word in schema:
        if word in _KEYWORDS or word.startswith("x-"):
            continue
        near = difflib.get_close_matches(word, _KEYWORDS, n=1, cutoff=_NEAR)
        if near:
            message = f'"{shortened(word, _SHOWN_CHARS)}" is not a keyword of JSON Schema and checks nothing'
            yield _finding(bundle, word, "schema-keyword", message, f"did you mean {near[0]}?")


def _finding(bundle: Bundle, text: str, rule: str, message: str, hint: str) -> Finding:
    file, line = _place_of(bundle, json.dumps(text, ensure_ascii=False))
    return Finding(file, line, 0, Level.WARNING, rule, message, (), hint)


def _place_of(bundle: Bundle, quoted: str) -> tuple[str, int]:
    """Return the file and line that hold a text; a schema may be made of several files."""
    candidates = [SCHEMA_FILE, *(path for path in sorted(bundle.files) if path.endswith(".json"))]
    for path in candidates:
        content = bundle.files[path].content.decode("utf-8", "replace") if path in bundle.files else ""
        before, found, _ = content.partition(quoted)
        if found:
            return path, before.count("\n") + 1
    return SCHEMA_FILE, 0


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
