"""Bundles with a menu, and the schemas that the translation into a definition is held to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bundler.model.bundle import Bundle, BundleMetadata
from bundler.model.digest import digest_of
from bundler.model.kind import KindSpec
from bundler.model.manifest import Source
from bundler.model.values import LayerKind
from bundler.values.merge import make_layer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from bundler.model.json import Body

DEMO: Final = KindSpec(group="acme.example", kind="Demo", plural="demos", source=Source("bundle.yaml", 1))


def bundle_of(
    properties: Body, *, menu: KindSpec | None = DEMO, values: Body | None = None, required: Sequence[str] = ()
) -> Bundle:
    """Return a bundle whose schema has some properties, and definitions that they can refer to."""
    schema: Body = {"type": "object", "properties": properties, "required": [*required], "$defs": DEFS}
    return Bundle(
        metadata=BundleMetadata(name="demo", version="1.0.0"),
        digest=digest_of(b""),
        origin="demo",
        defaults=make_layer(values or {}, LayerKind.DEFAULTS, "values.yaml"),
        schema=schema,
        menu=menu,
    )


_PORT: Final[Body] = {"type": "integer", "minimum": 1, "maximum": 65535}
_TREE: Final[Body] = {"type": "object", "properties": {"name": {"type": "string"}, "next": {"$ref": "#/$defs/tree"}}}
_SHAPE: Final[Body] = {
    "type": "object",
    "properties": {"kind": {"type": "string"}, "size": {"type": "integer"}, "name": {"type": "string"}},
}

SCHEMAS: Final[Mapping[str, Body]] = {
    "integer": {"type": "integer"},
    "small-integer": {"type": "integer", "minimum": 1, "maximum": 20000},
    "exclusive": {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 9},
    "both-bounds": {"type": "integer", "minimum": 5, "exclusiveMinimum": 5, "maximum": 9},
    "big-bounds": {"type": "integer", "minimum": 0, "maximum": 2**63 + 1},
    "number": {"type": "number", "minimum": 0.5, "exclusiveMaximum": 2},
    "multiple": {"type": "integer", "multipleOf": 5},
    "fraction": {"type": "number", "multipleOf": 0.1},
    "text": {"type": "string", "minLength": 2, "maxLength": 5},
    "pattern": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"},
    "look-around": {"type": "string", "pattern": "^(?!x).*$"},
    "back-reference": {"type": "string", "pattern": r"^(a|b)\1$"},
    "possessive": {"type": "string", "pattern": "^a*?b{2,3}$"},
    "digits": {"type": "string", "pattern": r"^\d+$"},
    "no-digits": {"type": "string", "pattern": r"^[^\d]+$"},
    "word-end": {"type": "string", "pattern": r"\ba"},
    "format": {"type": "string", "format": "ipv4"},
    "unknown-format": {"type": "string", "format": "iri-reference"},
    "boolean": {"type": "boolean", "default": True},
    "nullable": {"type": ["string", "null"], "maxLength": 3},
    "null-first": {"type": ["null", "integer"], "minimum": 1},
    "nullable-enum": {"type": ["string", "null"], "enum": ["a", "b", None]},
    "int-or-string": {"type": ["integer", "string"]},
    "int-or-string-rules": {"type": ["integer", "string"], "minimum": 1, "pattern": "^[0-9]+%$"},
    "union": {"type": ["string", "boolean", "array"]},
    "any": {"description": "anything"},
    "enum": {"type": "string", "enum": ["small", "large"]},
    "untyped-enum": {"enum": ["small", "large"]},
    "number-enum": {"type": "integer", "enum": [1, 2, 5]},
    "mixed-enum": {"enum": ["auto", 1, 2]},
    "object-enum": {"enum": [{"a": 1}, {"a": 2}]},
    "const": {"const": "x"},
    "const-number": {"type": "integer", "const": 5},
    "list": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "maxItems": 3},
    "list-of-anything": {"type": "array"},
    "unique": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
    "unique-objects": {"type": "array", "items": {"type": "object"}, "uniqueItems": True},
    "tuple": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
    "contains": {"type": "array", "items": {"type": "integer"}, "contains": {"minimum": 5}},
    "untyped-list": {"items": {"type": "integer"}},
    "untyped-object": {"properties": {"a": {"type": "integer"}}},
    "object": {
        "type": "object",
        "properties": {"port": _PORT, "host": {"type": "string"}},
        "required": ["host"],
        "additionalProperties": False,
    },
    "open-object": {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": True},
    "any-object": {"type": "object"},
    "map": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 3}, "maxProperties": 2},
    "map-of-objects": {"type": "object", "additionalProperties": {"properties": {"port": _PORT}, "required": ["port"]}},
    "named-and-free": {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "additionalProperties": {"type": "string"},
    },
    "pattern-properties": {"type": "object", "patternProperties": {"^x-": {"type": "string"}}, "minProperties": 1},
    "property-names": {"type": "object", "propertyNames": {"maxLength": 2}, "additionalProperties": {"type": "integer"}},
    "dependent": {
        "type": "object",
        "properties": {"user": {"type": "string"}, "realm": {"type": "string"}},
        "dependentRequired": {"user": ["realm"]},
    },
    "dependent-schema": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "dependentSchemas": {"a": {"required": ["b"]}},
    },
    "if-then": {
        "type": "object",
        "properties": {"mode": {"type": "string"}, "size": {"type": "integer"}},
        "if": {"properties": {"mode": {"const": "big"}}, "required": ["mode"]},
        "then": {"properties": {"size": {"minimum": 10}}},
    },
    "reference": {"$ref": "#/$defs/port", "description": "where it listens"},
    "recursive": {"$ref": "#/$defs/tree"},
    "all-of": {"allOf": [{"type": "integer"}, {"minimum": 3}, {"minimum": 5}, {"maximum": 9}]},
    "two-patterns": {"type": "string", "allOf": [{"pattern": "^a"}, {"pattern": "z$"}]},
    "all-of-objects": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "integer"}}},
            {"properties": {"b": {"type": "string"}}, "required": ["b"]},
        ]
    },
    "contradiction": {"allOf": [{"type": "integer"}, {"type": "string"}]},
    "any-of": {"type": "integer", "anyOf": [{"maximum": 3}, {"minimum": 10, "multipleOf": 5}]},
    "any-of-types": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9]+%$"}]},
    "any-of-null": {"anyOf": [{"type": "string", "minLength": 2}, {"type": "null"}]},
    "one-of": {"type": "integer", "oneOf": [{"minimum": 0, "maximum": 5}, {"minimum": 4}]},
    "one-of-patterns": {"type": "string", "oneOf": [{"pattern": "^a"}, {"pattern": "z$"}]},
    "not": {"type": "string", "not": {"enum": ["root", "admin"]}},
    "not-required": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}, "not": {"required": ["a"]}},
    "one-of-keys": {**_SHAPE, "oneOf": [{"required": ["size"]}, {"required": ["name"]}]},
    "variants": {
        **_SHAPE,
        "anyOf": [
            {"properties": {"kind": {"const": "box"}, "size": {"minimum": 2}}, "required": ["kind", "size"]},
            {"properties": {"kind": {"const": "tag"}, "name": {"type": "string"}}, "required": ["kind", "name"]},
        ],
    },
    "hidden-keys": {
        "type": "object",
        "oneOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": {"type": "string"}}}],
    },
    "list-of-variants": {"type": "array", "items": {**_SHAPE, "oneOf": [{"required": ["size"]}, {"required": ["name"]}]}},
    "nested-lists": {"type": "array", "items": {"type": "array", "items": {"type": "integer", "minimum": 0}}},
    "deprecated": {"type": "string", "deprecated": True, "examples": ["a"], "$comment": "old", "title": "T"},
    "dotted-keys": {"type": "object", "properties": {"a.b/c~d": {"type": "string"}, "if": {"type": "integer"}}},
}  # fmt: skip
"""A property for each kind of rule."""

_WRAPPINGS: Final = (
    lambda one, _: one,
    lambda one, _: {"type": "array", "items": one, "maxItems": 3},
    lambda one, _: {"type": "object", "additionalProperties": one},
    lambda one, other: {"type": "object", "properties": {"a": one, "b": other}, "required": ["a"]},
    lambda one, _: {"allOf": [one, {"description": "the same"}]},
    lambda one, other: {"anyOf": [one, other]},
    lambda one, other: {"oneOf": [one, other]},
)


def composed(draw: Random) -> dict[str, Body]:
    """Return properties that put some of the schemas together."""
    names = list(SCHEMAS)
    found: dict[str, Body] = {}
    for name in "vwxyz":
        schema: Any = SCHEMAS[draw.choice(names)]
        for _ in range(draw.randrange(3)):
            schema = draw.choice(_WRAPPINGS)(schema, SCHEMAS[draw.choice(names)])
        found[name] = schema
    return found


DEFS: Final[Body] = {"port": _PORT, "tree": _TREE}
"""What their references lead to."""
