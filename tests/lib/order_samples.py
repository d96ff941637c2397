"""Random values for a schema: about half of them fit, the others miss it by little."""

from __future__ import annotations

import random
import string
from typing import Any

_TYPES = ("string", "integer", "number", "boolean", "null", "object", "array")
_TEXTS = (
    "",
    "a",
    "ab",
    "abc",
    "box",
    "tag",
    "z",
    "az",
    "10%",
    "5",
    "root",
    "small",
    "a\n",
    "é",
    "x1",
    "10.0.0.1",
    "10Gi",
    "/",
)
_NUMBERS = (0, 1, -1, 2, 3, 5, 9, 10, 11, 100, 65535, 65536, 2**31, 2**53 + 1, 2**62)
_FRACTIONS = (0.5, 1.5, 0.1, 0.3, 2.0, -0.25, 1e6)
_MAX_DEPTH = 5


class Samples:
    """Draws values."""

    def __init__(self, root: Any, seed: int) -> None:
        """Draw for the schemas of one document, the same ones for the same seed."""
        self._root, self._draw = root, random.Random(seed)

    def value(self, schema: Any, depth: int = 0) -> Any:
        """Return a value that fits a schema with some luck."""
        schema = self._resolved(schema)
        if depth > _MAX_DEPTH or self._draw.random() < 0.1:
            return self._of(self._draw.choice(_TYPES), {}, depth)
        for word in ("const", "enum"):
            if word in schema and self._draw.random() < 0.7:
                return schema["const"] if word == "const" else self._draw.choice(schema["enum"])
        branches = [one for word in ("anyOf", "oneOf", "allOf") for one in schema.get(word, ())]
        if branches and self._draw.random() < 0.7:
            schema = self._with(schema, self._resolved(self._draw.choice(branches)))
        named = schema.get("type") or next(
            (kind for word, kind in _TELLING if word in schema), self._draw.choice(_TYPES)
        )
        return self._of(self._draw.choice(named) if isinstance(named, list) else named, schema, depth)

    def _resolved(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return {}
        if "$ref" not in schema:
            return schema
        here = self._root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            here = here[step]
        return here

    def _with(self, schema: Any, other: Any) -> Any:
        properties = {**schema.get("properties", {}), **other.get("properties", {})}
        return {**schema, **other, **({"properties": properties} if properties else {})}

    def _of(self, kind: str, schema: Any, depth: int) -> Any:
        match kind:
            case "string":
                return self._text()
            case "integer" | "number":
                return self._number(kind, schema)
            case "boolean":
                return self._draw.random() < 0.5
            case "array":
                items = schema.get("items", {})
                return [self.value(items, depth + 1) for _ in range(self._draw.randrange(4))]
            case "object":
                return self.mapping(schema, depth)
            case _:
                return None

    def _text(self) -> str:
        if self._draw.random() < 0.6:
            return self._draw.choice(_TEXTS)
        return "".join(self._draw.choices(string.ascii_lowercase + "0123456789.-_%", k=self._draw.randrange(6)))

    def _number(self, kind: str, schema: Any) -> Any:
        bounds = [schema[word] for word in _BOUNDS if isinstance(schema.get(word), int | float)]
        near = [bound + step for bound in bounds for step in (-1, 0, 1) if abs(bound) < 2**62]
        if near and self._draw.random() < 0.7:
            return self._draw.choice(near)
        return self._draw.choice(_FRACTIONS if kind == "number" and self._draw.random() < 0.5 else _NUMBERS)

    def mapping(self, schema: Any, depth: int = 0) -> Any:
        """Return a mapping that fits a schema with some luck."""
        named = schema.get("properties", {})
        wanted = set(schema.get("required", ()))
        found = {
            name: self.value(one, depth + 1)
            for name, one in named.items()
            if one is not False and self._draw.random() < (0.9 if name in wanted else 0.5)
        }
        if self._draw.random() < 0.4 or not named:
            for _ in range(self._draw.randrange(3)):
                found[self._draw.choice(("a", "x-a", "other", "b", "c"))] = self.value(
                    schema.get("additionalProperties", {}), depth + 1
                )
        return found


_TELLING = (("properties", "object"), ("items", "array"), ("patternProperties", "object"))
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "const")
