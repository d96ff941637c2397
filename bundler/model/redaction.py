"""Sensitive strings and their masking at the print layer. Layer: model, pure."""

from __future__ import annotations

import base64
import json
import re

MASK = "***"
MIN_SUBSTRING_CHARS = 4
"""Shorter secrets are masked where they are a whole value only; inside a text they would eat innocent letters."""


MAX_PATTERN_CHARS = 2048
"""Longer secrets are looked for one by one: compiling a pattern of a megabyte takes ten seconds."""


class Redactor:
    """Collect sensitive strings and mask them in text that leaves the program.

    It never touches what is sent to a cluster: masking happens where text is printed (R6.4). A string that stands in a
    public identifier (``shop``, a user's name in a Secret, in the name ``shop-db``) is no secret inside a text: masking
    it would hide nothing and make the text unreadable. As a leaf of a Secret it is still masked, by the diff.
    """

    def __init__(self) -> None:
        self._spellings: set[str] = set()
        self._public: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._long: tuple[str, ...] = ()

    def publish(self, *identifiers: str) -> None:
        """Add names that are shown anyway: of releases, objects, bundles, images."""
        self._public |= set(identifiers)
        self._pattern = None

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
            identifiers = "\n".join(self._public)
            private = (spelling for spelling in self._spellings if spelling not in identifiers)
            longest_first = sorted(private, key=lambda spelling: (-len(spelling), spelling))
            self._long = tuple(one for one in longest_first if len(one) > MAX_PATTERN_CHARS)
            self._pattern = re.compile("|".join(map(re.escape, longest_first[len(self._long) :])) or r"(?!)")
        for spelling in self._long:
            text = text.replace(spelling, MASK)
        return self._pattern.sub(MASK, text)


def spellings(secret: str) -> set[str]:
    """Return the ways a secret can stand in output."""
    encoded = base64.b64encode(secret.encode()).decode()
    escaped = json.dumps(secret)[1:-1]
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    return {secret, encoded, escaped, plain, secret.replace("'", "''")}
