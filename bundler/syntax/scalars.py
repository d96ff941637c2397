"""What a plain scalar means: the YAML 1.2 core schema, without losing a character. Layer: syntax, pure."""

from __future__ import annotations

import re
from math import isinf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
# Kept as text: re compiles and remembers them when they are first used.
_INT = r"[-+]?(?:0|[1-9][0-9]*)"
_OCTAL_OR_HEX = r"0o[0-7]+|0x[0-9a-fA-F]+"
_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
_NOT_FINITE = r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
_LEADING_ZERO = r"[-+]?0[0-9]"
_MAY_BE_TYPED = frozenset("0123456789+-.~tTfFnN")
_MAX_DIGITS = 4000


class YamlFloat(float):
    """A float that prints as it was written: ``1.10`` stays ``1.10``."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """Read ``text``: a YAML 1.2 core float."""
        number = super().__new__(cls, text.replace(".inf", "inf").replace(".nan", "nan") if "n" in text else text)
        number.text = text
        return number

    def __str__(self) -> str:
        return self.text

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec else self.text

    def __reduce__(self) -> tuple[type[YamlFloat], tuple[str]]:
        return (YamlFloat, (self.text,))


def resolve_plain(text: str) -> Scalar:
    """Return the value of an unquoted scalar.

    Core schema, with one departure: what reads as a decimal number but would lose characters (``007``, ``0123e4``, an
    exponent too large for a float) stays the string it is. A zip code, a tag or a commit id is never damaged.

    Source: YAML 1.2.2, section 10.3.2.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _MAY_BE_TYPED:
        return text
    return _number(text)


def _number(text: str) -> Scalar:
    if len(text) > _MAX_DIGITS:  # Python bounds the digits it converts; so do we, evenly
        return text
    if re.fullmatch(_INT, text):
        return int(text)
    if re.fullmatch(_OCTAL_OR_HEX, text):
        return int(text, 0)
    if re.fullmatch(_NOT_FINITE, text):
        return YamlFloat(text.lower())
    if not re.fullmatch(_FLOAT, text) or re.match(_LEADING_ZERO, text):
        return text
    number = YamlFloat(text)
    return text if isinf(number) else number
