"""Rules about one value by itself, as a CustomResourceDefinition writes them. Layer: menu, pure.

Source: Kubernetes, JSONSchemaProps of apiextensions.k8s.io/v1, which is draft 04 in its exclusive bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Final

from bundler.menu.patterns import served_pattern
from bundler.model.json import JSONValue, is_list, is_mapping, is_number, type_name
from bundler.model.lean import dataclass, field

if TYPE_CHECKING:
    _Rule = Callable[["JSONValue", frozenset[str]], "Part"]

BIG: Final = 2**53
"""From here on, a number of a definition is no longer exact."""
FORMATS: Final = frozenset({
    "byte", "cidr", "date", "date-time", "email", "hostname", "ipv4", "ipv6", "mac", "uri", "uuid",
})  # fmt: skip
"""The formats that mean the same in JSON Schema and to an API server."""


@dataclass(frozen=True, slots=True)
class Part:
    """A rule as the API server holds it."""

    schema: Mapping[str, JSONValue] = field(default_factory=dict)
    is_exact: bool = True
    """It accepts and refuses what the bundle's schema does."""
    is_stricter: bool = False
    """Where it is not exact, it refuses more, and never less."""
    reason: str = ""
    """Why it is not exact."""
    is_false: bool = False
    """Nothing fits."""

    @property
    def is_enough(self) -> bool:
        """Return whether nothing that it accepts is refused by the bundle's schema."""
        return self.is_exact or self.is_stricter


def unserved(reason: str) -> Part:
    """Return a rule that the API server does not hold at all."""
    return Part({}, is_exact=False, reason=reason)


def choice(values: list[JSONValue], types: frozenset[str]) -> Part:
    """Return the rule that a value is one of some.

    Args:
        values: that are allowed.
        types: that the value can have.
    """
    fitting = [value for value in values if value is None or fits(value, types)]
    if any(is_list(value) or is_mapping(value) for value in fitting):
        return unserved("lists and mappings are compared by the controller")
    if not [value for value in fitting if value is not None]:
        return Part(is_false=True)
    kept = [int(value) if isinstance(value, float) and value.is_integer() else value for value in fitting]
    if any(is_number(value) and abs(value) >= BIG for value in kept):
        return unserved("the API server rounds numbers of this size")
    if len(types) > 1 or "number" in types:
        return Part({"enum": kept}, is_exact=False, reason="the API server takes numbers for each other that are near")
    return Part({"enum": kept})


def fits(value: JSONValue, types: frozenset[str]) -> bool:
    """Return whether a value is of one of some types."""
    name = type_name(value)
    return name in types or (name == "integer" and "number" in types)


def _enum(rule: JSONValue, types: frozenset[str]) -> Part:
    return choice(list(rule), types) if is_list(rule) else Part()


def _const(rule: JSONValue, types: frozenset[str]) -> Part:
    return choice([rule], types)


def _pattern(rule: JSONValue, types: frozenset[str]) -> Part:
    if "string" not in types:
        return Part()
    found = served_pattern(str(rule))
    if found.refusal:
        return unserved(found.refusal)
    return Part({"pattern": rule}, is_exact=found.is_exact, is_stricter=True)


def _multiple(rule: JSONValue, types: frozenset[str]) -> Part:
    if types.isdisjoint(("integer", "number")):
        return Part()
    reason = "the API server divides with a small tolerance"
    if not is_number(rule) or not 1 <= rule < BIG or rule % 1:
        return unserved("the API server divides by whole numbers only")
    return Part({"multipleOf": int(rule)}, is_exact=False, reason=reason)


def _bound(keyword: str, *, is_exclusive: bool = False) -> _Rule:
    def bound(rule: JSONValue, types: frozenset[str]) -> Part:
        if types.isdisjoint(("integer", "number")):
            return Part()
        if not is_number(rule) or not isfinite(rule) or abs(rule) >= BIG:
            return unserved("the API server rounds numbers of this size")
        is_whole = not rule % 1
        reason = "" if is_whole else "the API server compares whole numbers with the bound cut to one"
        held: dict[str, JSONValue] = {keyword: int(rule) if is_whole else rule}
        exclusive: dict[str, JSONValue] = {f"exclusive{keyword.capitalize()}": True} if is_exclusive else {}
        return Part({**held, **exclusive}, is_exact=is_whole, reason=reason)

    return bound


def _size(keyword: str, kind: str) -> _Rule:
    def size(rule: JSONValue, types: frozenset[str]) -> Part:
        if kind not in types:
            return Part()
        if not is_number(rule) or rule >= BIG:
            return unserved("the API server rounds numbers of this size")
        return Part({keyword: int(rule)})

    return size


RULES: Final[Mapping[str, _Rule]] = {
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "multipleOf": _multiple,
    "minimum": _bound("minimum"),
    "maximum": _bound("maximum"),
    "exclusiveMinimum": _bound("minimum", is_exclusive=True),
    "exclusiveMaximum": _bound("maximum", is_exclusive=True),
    "minLength": _size("minLength", "string"),
    "maxLength": _size("maxLength", "string"),
    "minItems": _size("minItems", "array"),
    "maxItems": _size("maxItems", "array"),
}


def together(parts: list[Mapping[str, JSONValue]]) -> dict[str, JSONValue]:
    """Return what holds where several schemas do: one of them, the others under ``allOf`` where keywords meet."""
    first: dict[str, JSONValue] = {}
    more: list[Mapping[str, JSONValue]] = []
    for part in parts:
        if first.keys().isdisjoint(part):
            first.update(part)
        else:
            more.append(part)
    return {**first, "allOf": more} if more else first
