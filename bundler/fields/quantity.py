"""Kubernetes quantities: canonical form, order, sum. Layer: fields, pure.

Source: k8s.io/apimachinery pkg/api/resource/quantity.go, whose corners are kept: a number that is written canonically
enough stays as written (``1.500``), and tiny amounts round up to one ``n``.
"""

from __future__ import annotations

import re
from decimal import ROUND_UP, Context, Decimal
from functools import lru_cache, total_ordering
from typing import Literal

from bundler.model.lean import dataclass, field

_Format = Literal["decimal", "binary", "exponent"]
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_BINARY_SUFFIX = {exponent: suffix for suffix, exponent in _BINARY.items()} | {0: ""}
_TEXT = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([numkMGTPE]?|[KMGTPE]i|[eE][+-]?[0-9]{1,9})", re.ASCII)
_MAX_DIGITS = 18
_MAX_EXPONENT = 10_000
_MAX_BINARY = Decimal(2**63 - 1)
_EXACT = Context(prec=20_000, Emax=999_999, Emin=-999_999)


@total_ordering
@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount such as ``500m`` or ``1Gi``; equal amounts compare equal however they were written."""

    amount: Decimal
    format: _Format = field(default="decimal", compare=False)
    """How ``str`` writes it."""

    @classmethod
    def parse(cls, text: str | float) -> Quantity:
        """Read a quantity.

        Raises:
            ValueError: when it is none.
        """
        return _read(str(text).strip())[0]

    def __str__(self) -> str:
        if not self.amount:
            return "0"
        is_whole = self.amount == self.amount.to_integral_value()
        if self.format == "binary" and is_whole and abs(self.amount) >= 1024:
            return _write_binary(int(self.amount))
        return _write_decimal(self.amount, "decimal" if self.format == "binary" else self.format)

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(_EXACT.add(self.amount, other.amount), self.format if self.amount else other.format)

    def __mul__(self, times: int) -> Quantity:
        return Quantity(_EXACT.multiply(self.amount, Decimal(times)), self.format)

    def __lt__(self, other: Quantity) -> bool:
        return self.amount < other.amount

    def __bool__(self) -> bool:
        return bool(self.amount)


def amount_of(value: object) -> Decimal:
    """Return a quantity as a number.

    Raises:
        ValueError: when it is none.
    """
    return Quantity.parse(str(value)).amount


def canonical(text: str | float, *, places: int = 9) -> str:
    """Return the form in which the API server stores a quantity: ``1000m`` is ``1``, ``1024Mi`` is ``1Gi``.

    Args:
        text: a quantity, or the number that a YAML file has in its place.
        places: decimal places to round up to: 9, or 3 in a ResourceList (``limits``, ``requests``, ``hard``).

    Raises:
        ValueError: when it is not a quantity.
    """
    quantity, is_kept = _read(written := str(text).strip())
    rounded = _rounded_up(quantity.amount, places)
    if rounded != quantity.amount:
        return str(Quantity(rounded, quantity.format))
    return written if is_kept else str(quantity)


def _rounded_up(amount: Decimal, places: int) -> Decimal:
    """Round away from zero."""
    unit = Decimal(1).scaleb(-places)
    return amount.quantize(unit, rounding=ROUND_UP, context=_EXACT) if _EXACT.remainder(amount, unit) else amount


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[Quantity, bool]:
    """Return the quantity, and whether the server keeps the text as it was written."""
    found = _TEXT.fullmatch(text)
    if not found or not (found[2] or found[3]):
        raise ValueError(f"{text!r} is not a quantity")
    sign, suffix = found[1], found[4]
    whole, fraction = found[2].lstrip("0") or "0", found[3] or ""
    style, base, exponent = _interpret(suffix)
    if abs(exponent) > _MAX_EXPONENT:
        raise ValueError(f"{text!r} is too large or too small for a quantity")
    digits = Decimal(f"{whole}.{fraction or 0}")
    amount = _EXACT.scaleb(digits, exponent) if base == 10 else _EXACT.multiply(digits, Decimal(2**exponent))
    amount, style = _bounded(amount, style)
    is_kept = _is_canonical(whole, fraction, style, exponent)
    return Quantity(-amount if sign == "-" else amount, style), is_kept


def _interpret(suffix: str) -> tuple[_Format, int, int]:
    """Return format, base and exponent of a suffix."""
    if suffix in _DECIMAL:
        return "decimal", 10, _DECIMAL[suffix]
    if suffix in _BINARY:
        return "binary", 2, _BINARY[suffix]
    return "exponent", 10, int(suffix[1:])


def _bounded(amount: Decimal, style: _Format) -> tuple[Decimal, _Format]:
    rounded = _rounded_up(amount, 9)
    if style == "binary" and rounded > _MAX_BINARY:
        return _MAX_BINARY, style
    return rounded, "decimal" if style == "binary" and 0 < rounded < 1 else style


def _is_canonical(whole: str, fraction: str, style: _Format, exponent: int) -> bool:
    shifted = whole + fraction
    if style == "binary":
        has_room = 15 - len(whole) - exponent * 3 // 10 - 1 >= 0
        return not fraction and has_room and int(whole) % 8 != 0
    scale = exponent - len(fraction)
    fits = len(shifted) <= _MAX_DIGITS and scale >= -9
    return fits and scale % 3 == 0 and not shifted.endswith("000") and shifted[0] != "0"


def _write_decimal(amount: Decimal, style: _Format) -> str:
    sign, digits, raw_exponent = amount.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    stripped = text.rstrip("0")
    exponent = int(raw_exponent) + len(text) - len(stripped)
    stripped += "0" * (exponent % 3)
    exponent -= exponent % 3
    written = f"e{exponent}" if exponent else ""
    return ("-" if sign else "") + stripped + (_DECIMAL_SUFFIX.get(exponent, "") if style == "decimal" else written)


def _write_binary(amount: int) -> str:
    exponent = 0
    while amount % 1024 == 0 and exponent < 60:
        amount //= 1024
        exponent += 10
    return f"{amount}{_BINARY_SUFFIX[exponent]}"
