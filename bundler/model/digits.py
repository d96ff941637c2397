"""Numbers in foreign text. Layer: model, pure.

``int()`` also takes signs, underscores, spaces, the digits of every script and numbers of any length, and ``isdigit()``
takes ``²``: neither reads what others wrote.
"""

from __future__ import annotations

import re
from typing import Final

_DIGITS: Final = {8: re.compile(r"[0-7]{1,24}"), 10: re.compile(r"[0-9]{1,20}")}


def parse_digits(text: str | bytes, *, base: int = 10) -> int | None:
    """Return the number that ASCII digits spell, None where the text is anything else or is longer than 64 bits need.

    Args:
        text: without space around it.
        base: 8 or 10.
    """
    plain = text.decode("latin-1") if isinstance(text, bytes) else text
    return int(plain, base) if _DIGITS[base].fullmatch(plain) else None
