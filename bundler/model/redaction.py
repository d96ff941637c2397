"""Sensitive strings and their masking at the print layer. Layer: model, pure."""

from __future__ import annotations

import base64
import json
import re

MASK = "***"
MIN_SUBSTRING_CHARS = 4
"""Shorter secrets are masked where they are a whole value only; inside a text they would eat innocent letters."""


class Redactor:
    """Collect sensitive strings and mask them in text that leaves the program.

    It never touches what is sent to a cluster: masking happens where text is printed (R6.4).
    """

    def __init__(self) -> None:
        self._spellings: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, *secrets: str) -> None:
        """Add sensitive strings, in every spelling they can take: plain, base64, JSON-escaped, one per line."""
        for secret in secrets:
            for text in (secret, *secret.splitlines()):
                if len(text.strip()) >= MIN_SUBSTRING_CHARS:
                    self._spellings |= spellings(text)
        self._pattern = None

    def redact(self, text: str) -> str:
        """Return ``text`` with every sensitive string masked."""
        if not self._spellings:
            return text
        if self._pattern is None:
            longest_first = sorted(self._spellings, key=lambda spelling: (-len(spelling), spelling))
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        return self._pattern.sub(MASK, text)


def spellings(secret: str) -> set[str]:
    """Return the ways a secret can stand in output."""
    encoded = base64.b64encode(secret.encode()).decode()
    escaped = json.dumps(secret)[1:-1]
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    return {secret, encoded, escaped, plain, secret.replace("'", "''")}
