"""Salted digests of sensitive values: equal ones have equal digests, and each guess has its price. Layer: model."""

from __future__ import annotations

import hashlib
from typing import Final

from bundler.model.json import JSONValue, canonical_json

SALT_BYTES: Final = 16
_COST: Final = 2**12
"""10 ms for a value: a plan has a few of them, and who guesses tries millions."""


def salted_digest(value: JSONValue, salt: str) -> str:
    """Return ``scrypt:`` and 64 hex digits.

    Args:
        value: what is sensitive, of any JSON type.
        salt: hex digits.
    """
    made = hashlib.scrypt(canonical_json(value), salt=bytes.fromhex(salt), n=_COST, r=8, p=1, dklen=32)
    return f"scrypt:{made.hex()}"
