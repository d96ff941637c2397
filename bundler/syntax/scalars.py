"""What a plain scalar means: the YAML 1.2 core schema, without losing a character. Layer: syntax, pure."""

from __future__ import annotations

from math import isinf
from typing import Self

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER_STARTS = frozenset("0123456789+-.")
_DECIMAL_CHARS = _NUMBER_STARTS | {"e", "E"}
_RADIX_DIGITS = {"0o": frozenset("01234567"), "0x": frozenset("0123456789abcdefABCDEF")}
_NOT_FINITE = frozenset(".inf .Inf .INF +.inf +.Inf +.INF -.inf -.Inf -.INF .nan .NaN .NAN".split())  # noqa: SIM905 - reads better
_NO_DIGITS = frozenset[str]()
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
    return _number(text) if text[0] in _NUMBER_STARTS else text


def _number(text: str) -> Scalar:
    if len(text) > _MAX_DIGITS:  # Python bounds the digits it converts; so do we, evenly
        return text
    if _DECIMAL_CHARS.issuperset(text):
        return _decimal(text)
    if text in _NOT_FINITE:
        return YamlFloat(text.lower())
    digits = text[2:]
    return int(text, 0) if digits and _RADIX_DIGITS.get(text[:2], _NO_DIGITS).issuperset(digits) else text


def _decimal(text: str) -> Scalar:
    """Read what has only the characters of a decimal number: of these, Python and YAML take the same for one."""
    digits = text[1:] if text[0] in "+-" else text
    if digits[:1] == "0" and digits[1:2].isdigit():
        return text
    if digits.isdigit():
        return int(text)
    try:
        number = YamlFloat(text)
    except ValueError:
        return text
    return text if isinf(number) else number
