"""What the text of ``--set`` means, given the types that the schema allows. Layer: values, pure."""

from __future__ import annotations

from collections.abc import Sequence

from bundler.model.json import JSONValue, type_name
from bundler.model.pattern import LazyPattern
from bundler.syntax.scalars import YamlFloat
from bundler.values.schema_view import ALL_TYPES

_CANONICAL_INT = LazyPattern(r"-?[1-9][0-9]*|0")
_CANONICAL_FLOAT = LazyPattern(r"-?[0-9]+\.[0-9]+")
_DECIMAL = LazyPattern(r"[-+]?[0-9]+")
_FLOAT = LazyPattern(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_HEX = LazyPattern(r"0x[0-9a-fA-F]+")
_OCTAL = LazyPattern(r"0o[0-7]+")
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_MAX_DIGITS = 4000
"""Python bounds the digits it converts; so do we, evenly."""
_EXACT_FLOAT = 2**53


def lossless_scalar(text: str) -> JSONValue:
    """Type ``text`` where no schema does: as number, boolean or null only where that prints back the same text.

    ``20161216`` is an integer; ``007``, ``1e3``, ``1.10``, ``0x1F`` and ``12:30:00`` stay the strings they are.
    """
    if text == "null":
        return None
    return next(iter(_canonical_readings(text, ALL_TYPES - {"string"})), text)


def readings_of(text: str, types: frozenset[str]) -> list[JSONValue]:
    """Return what ``text`` can mean under ``types``, the most specific first; nothing where it fits none.

    Where a string is allowed as well, only the usual spelling counts as a number or boolean: a lone type asks for it,
    so ``007`` is the integer 7 for ``integer`` and the string 007 for ``integer or string``. ``null`` stands for a
    deletion unless the schema asks for a string.
    """
    if text == "null" and ("null" in types or "string" not in types):
        return [None]
    if "string" in types:
        return [*_canonical_readings(text, types), text]
    return _lenient_readings(text, types)


def type_text(text: str, types: frozenset[str], choices: Sequence[JSONValue] | None) -> list[JSONValue]:
    """Return the one meaning of ``text`` as a list of one; an empty list where it fits no type.

    Args:
        text: as typed after ``=``.
        types: the JSON types that the schema allows.
        choices: the values of ``enum`` or ``const``; a reading among them is preferred.
    """
    if types >= ALL_TYPES:
        return [lossless_scalar(text)]
    readings = readings_of(text, types)
    chosen = [reading for reading in readings if choices and _is_among(reading, choices)]
    return (chosen or readings)[:1]


def _is_among(reading: JSONValue, choices: Sequence[JSONValue]) -> bool:
    return any(type_name(choice) == type_name(reading) and choice == reading for choice in choices)


def _canonical_readings(text: str, types: frozenset[str]) -> list[JSONValue]:
    if len(text) > _MAX_DIGITS:
        return []
    if "boolean" in types and text in ("true", "false"):
        return [text == "true"]
    if "integer" in types and _CANONICAL_INT.fullmatch(text):
        return [int(text)]
    if "number" in types and _CANONICAL_FLOAT.fullmatch(text) and repr(float(text)) == text:
        return [float(text)]
    return []


def _lenient_readings(text: str, types: frozenset[str]) -> list[JSONValue]:
    if len(text) > _MAX_DIGITS:
        return []
    if "boolean" in types and text in _WORDS:
        return [_WORDS[text]]
    if "integer" in types and (whole := _whole_number(text)) is not None:
        return [whole]
    if "number" in types and _FLOAT.fullmatch(text) and abs(number := YamlFloat(text)) != float("inf"):
        return [number]
    return []


def _whole_number(text: str) -> int | None:
    if _DECIMAL.fullmatch(text):
        return int(text)
    if _HEX.fullmatch(text):
        return int(text, 16)
    if _OCTAL.fullmatch(text):
        return int(text, 8)
    if _FLOAT.fullmatch(text) and (number := float(text)).is_integer() and abs(number) < _EXACT_FLOAT:
        return int(number)
    return None
