"""Keywords of a custom kind's schema that bound one value. Layer: fields, pure.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/, "Validation".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TypeAlias

from bundler.fields.typed import same
from bundler.model.json import Body, JSONValue, is_list, is_number, list_length, mapping_length, text_length

_Test: TypeAlias = "Callable[[JSONValue, JSONValue, Body], bool]"


def breaks(keyword: str, value: JSONValue, schema: Body) -> bool:
    """Return whether a value breaks a keyword that bounds values of its type.

    Args:
        keyword: of the schema; one that is none of these is never broken.
        value: what is at the place.
        schema: of the place; it says, too, whether a bound itself is excluded.
    """
    test = _TESTS.get(keyword)
    return test is not None and test(value, schema.get(keyword), schema)


def _number(test: Callable[[float, float, Body], bool]) -> _Test:
    return lambda value, bound, schema: is_number(value) and is_number(bound) and test(value, bound, schema)


def _is_below(value: float, bound: float, schema: Body) -> bool:
    return value <= bound if schema.get("exclusiveMinimum") is True else value < bound


def _is_above(value: float, bound: float, schema: Body) -> bool:
    return value >= bound if schema.get("exclusiveMaximum") is True else value > bound


def _is_no_multiple(value: float, bound: float, _schema: Body) -> bool:
    return bound != 0 and (Fraction(str(value)) / Fraction(str(bound))).denominator != 1


def _at_least(length: Callable[[JSONValue], int | None]) -> _Test:
    return lambda value, bound, _: (size := length(value)) is not None and is_number(bound) and size < bound


def _at_most(length: Callable[[JSONValue], int | None]) -> _Test:
    return lambda value, bound, _: (size := length(value)) is not None and is_number(bound) and size > bound


def _is_none_of(value: JSONValue, bound: JSONValue, _schema: Body) -> bool:
    return is_list(bound) and not any(same(value, one) for one in bound)


_TESTS: Mapping[str, _Test] = {
    "enum": _is_none_of,
    "minimum": _number(_is_below),
    "maximum": _number(_is_above),
    "multipleOf": _number(_is_no_multiple),
    "minLength": _at_least(text_length),
    "maxLength": _at_most(text_length),
    "minItems": _at_least(list_length),
    "maxItems": _at_most(list_length),
    "minProperties": _at_least(mapping_length),
    "maxProperties": _at_most(mapping_length),
}
