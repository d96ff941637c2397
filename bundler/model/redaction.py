"""Sensitive strings and their masking at the print layer. Layer: model, pure."""

from __future__ import annotations

import base64
import json
import re

MASK = "***"
MIN_SUBSTRING_CHARS = 4
"""Shorter secrets are masked where they are a whole value only; inside a text they would eat innocent letters."""


MIN_TRANSFORMED_CHARS = 9
MAX_TRANSFORMED_CHARS = 256
"""Of secrets that are looked for in other case and quoted for URLs too."""

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
        self._sought: tuple[str, ...] | None = None
        """The spellings that are no public names, the longest first; None until they are needed."""

    def publish(self, *identifiers: str) -> None:
        """Add names that are shown anyway: of releases, objects, bundles, images."""
        self._public |= set(identifiers)
        self._sought = None

    def learn(self, *secrets: str) -> None:
        """Add sensitive strings, in every spelling they can take: plain, base64, escaped, other case, one per line."""
        for secret in secrets:
            for text in (secret, *secret.splitlines()):
                if len(text.strip()) >= MIN_SUBSTRING_CHARS:
                    self._spellings |= spellings(text)
        self._sought = None

    def redact(self, text: str) -> str:
        """Return ``text`` with every sensitive string masked."""
        # Looking for each is five times as quick as one pattern of all; the pattern of those found masks the longest.
        found = [spelling for spelling in self._all_sought() if spelling in text]
        for spelling in found:
            if len(spelling) > MAX_PATTERN_CHARS:
                text = text.replace(spelling, MASK)
        short = [re.escape(spelling) for spelling in found if len(spelling) <= MAX_PATTERN_CHARS]
        return re.sub("|".join(short), MASK, text) if short else text

    def _all_sought(self) -> tuple[str, ...]:
        sought = self._sought
        if sought is None:
            identifiers = "\n".join(self._public)
            private = (spelling for spelling in self._spellings.copy() if spelling not in identifiers)
            self._sought = sought = tuple(sorted(private, key=lambda spelling: (-len(spelling), spelling)))
        return sought


def spellings(secret: str) -> set[str]:
    """Return the ways a secret can stand in output."""
    encoded = base64.b64encode(secret.encode()).decode()
    escaped = json.dumps(secret)[1:-1]
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    return {secret, encoded, escaped, plain, secret.replace("'", "''"), *_transformed(secret)}


def _transformed(secret: str) -> set[str]:
    """Return what templates commonly make of a password: other case, quoted for a URL.

    A word alone is left out, since its other case may be anybody's word; so is what is too long to be typed.
    """
    if not MIN_TRANSFORMED_CHARS <= len(secret) <= MAX_TRANSFORMED_CHARS or secret.isalpha():
        return set()
    quoted = "".join(map(_quoted, secret))
    return {secret.upper(), secret.lower(), quoted, quoted.replace("%2F", "/"), quoted.replace("%20", "+")}


def _quoted(char: str) -> str:
    """Return a character as it stands in a URL; urllib would be a module more at every start."""
    is_plain = char.isascii() and (char.isalnum() or char in "-._~")
    return char if is_plain else "".join(f"%{byte:02X}" for byte in char.encode(errors="replace"))
