"""Sensitive strings, and how they are found in text that leaves the program. Layer: model, pure.

A sensitive string is one of three things (:func:`is_strong`, :func:`is_common`):

strong
    found wherever it stands inside a text, in every spelling that :func:`spellings` lists;
short
    found where it is a whole value (``token: abc``): inside a text it would eat innocent letters;
common
    (``admin``, ``true``, ``5432``) never looked for: where it is secret its place says so, and leaves of Secrets and
    sensitive values are masked by their place.

Output and release records share this one list.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence

MASK = "***"

MIN_STRONG_CHARS = 8
MIN_MIXED_CHARS = 5
"""Of strong strings that hold more than letters, or more than digits."""
MIN_SHORT_CHARS = 3
MIN_NUMBER_DIGITS = 6
"""Shorter numbers are ports, sizes and counts."""
MIN_ENCODED_CHARS = 6
"""Of what is left of a string inside the base64 of a longer text."""
MAX_BASE64_DEPTH = 2
"""So many times a secret is looked for as base64 of base64: each is five times as many spellings."""
MAX_NESTED_BYTES = 4096
"""Of secrets that are looked for so."""
MIN_TRANSFORMED_CHARS = 9
MAX_TRANSFORMED_CHARS = 256
"""Of secrets that are looked for in other case and quoted for URLs too."""

MAX_PATTERN_CHARS = 2048
"""Longer secrets are looked for one by one: compiling a pattern of a megabyte takes ten seconds."""

MIN_CUT_CHARS = 4
"""So much of a secret is masked at the end of a text that was cut in the middle of it."""
MAX_CUT_CHARS = 512
"""So far back the beginning of a secret is looked for."""
_CUT = re.compile(r"…|\\u2026")
"""Where a text was cut, as it is printed and as JSON writes it."""

_COMMON = frozenset({
    "true", "false", "yes", "off", "null", "none", "nil", "default", "admin", "administrator", "root", "user",
    "username", "password", "passwd", "secret", "token", "guest", "test", "demo", "example", "postgres", "postgresql",
    "mysql", "mariadb", "mongodb", "redis", "rabbitmq", "kafka", "minio", "grafana", "localhost", "http", "https",
    "tcp", "udp", "dev", "prod", "production", "staging", "development", "info", "debug", "warning", "error", "enabled",
    "disabled", "require", "required", "disable", "enable", "public", "private", "opaque", "name", "database",
    "service", "system",
})  # fmt: skip


def is_common(text: str) -> bool:
    """Return whether a string is everyone's: a word, a small number, a letter or two."""
    bare = text.strip()
    if len(bare) < MIN_SHORT_CHARS or bare.casefold() in _COMMON:
        return True
    return bare.isdigit() and len(bare) < MIN_NUMBER_DIGITS


def is_strong(text: str) -> bool:
    """Return whether a string stands for itself wherever it is found."""
    bare = text.strip()
    if is_common(bare) or len(bare) < MIN_MIXED_CHARS:
        return False
    return len(bare) >= MIN_STRONG_CHARS or not (bare.isalpha() or bare.isdigit())


def is_short(text: str) -> bool:
    """Return whether a string is masked as a whole value only."""
    return not is_common(text) and not is_strong(text)


class Redactor:
    """Collect sensitive strings and mask them in text that leaves the program.

    It never touches what is sent to a cluster: masking happens where text is printed. A string that is part of a public
    identifier (``shop-web``, a user's name in a Secret, in the name ``shop-web-1``) is not a secret inside a text:
    masking it would hide nothing and make the text unreadable. As a leaf of a Secret it is still masked, by its place.
    """

    def __init__(self) -> None:
        self._spellings: set[str] = set()
        self._short: set[str] = set()
        self._public: set[str] = set()
        self._sought: tuple[str, ...] | None = None
        """The spellings that are not public names, the longest first; None until they are needed."""

    def publish(self, *identifiers: str) -> None:
        """Add names that are shown anyway: of releases, objects, bundles, images."""
        self._public |= set(identifiers)
        self._sought = None

    def learn(self, *secrets: str) -> None:
        """Add sensitive strings."""
        self._spellings |= spellings(secrets)
        self._short |= {secret for secret in secrets if is_short(secret)}
        self._sought = None

    def redact(self, text: str) -> str:
        """Return ``text`` with every sensitive string masked."""
        # Looking for each is five times as quick as one pattern of all; the pattern of those found masks the longest.
        found = [spelling for spelling in self._all_sought() if spelling in text]
        for spelling in found:
            if len(spelling) > MAX_PATTERN_CHARS:
                text = text.replace(spelling, MASK)
        short = [re.escape(spelling) for spelling in found if len(spelling) <= MAX_PATTERN_CHARS]
        text = re.sub("|".join(short), MASK, text) if short else text
        values = [re.escape(value) for value in sorted(self._short) if value in text]
        text = _as_values(values).sub(MASK, text) if values else text
        return self._without_beginnings(text) if "…" in text or "\\u2026" in text else text

    def redact_value(self, text: str) -> str:
        """Return a whole value, masked where it is a sensitive string or holds one."""
        return MASK if text in self._short else self.redact(text)

    def _without_beginnings(self, text: str) -> str:
        """Mask what is left of a secret where a text was shortened before it came here."""
        by_start: dict[str, list[str]] = {}
        for spelling in self._all_sought():
            by_start.setdefault(spelling[:MIN_CUT_CHARS], []).append(spelling)
        parts, start = [], 0
        for cut in _CUT.finditer(text):
            before = text[start : cut.start()]
            left = _beginning_at_end(before[-MAX_CUT_CHARS:], by_start)
            parts += [before[: len(before) - left], MASK if left else "", cut.group()]
            start = cut.end()
        return "".join((*parts, text[start:]))

    def _all_sought(self) -> tuple[str, ...]:
        sought = self._sought
        if sought is None:
            identifiers = "\n".join(self._public)
            private = (spelling for spelling in self._spellings.copy() if spelling not in identifiers)
            self._sought = sought = tuple(sorted(private, key=lambda spelling: (-len(spelling), spelling)))
        return sought


def _beginning_at_end(text: str, by_start: Mapping[str, Sequence[str]]) -> int:
    """Return how many characters of a secret a text ends with, from its first one on; 0 where they are too few."""
    for place in range(len(text) - MIN_CUT_CHARS + 1):
        rest = text[place:]
        if any(one.startswith(rest) for one in by_start.get(rest[:MIN_CUT_CHARS], ())):
            return len(rest)
    return 0


def _as_values(patterns: list[str]) -> re.Pattern[str]:
    """Find texts where they are whole values, in block or flow, quoted or not: never as a key, nor inside a word."""
    return re.compile(rf"""(?m)(?<=[:\-,\[=] )(["']?)(?:{"|".join(patterns)})\1(?=[ \t]*(?:$|[,\]}}]|[ ]\#))""")


def spellings(secrets: Iterable[str]) -> set[str]:
    """Return the ways in which strong secrets, and the lines of those with many, can stand in a text."""
    found: set[str] = set()
    for secret in secrets:
        lines = [line.strip() for line in secret.splitlines() if len(line.strip()) >= MIN_STRONG_CHARS]
        for text in {secret, secret.strip(), *lines}:
            if is_strong(text):
                found |= _spellings_of(text)
    return found


def _spellings_of(secret: str) -> set[str]:
    content = secret.encode(errors="surrogatepass")
    escaped = json.dumps(secret)[1:-1]
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    marked = {text for one in (secret, escaped, plain) for text in _as_markup(one)}
    return {secret, escaped, plain, secret.replace("'", "''"), *marked, *_encoded(content), *_transformed(secret)}


def _as_markup(text: str) -> set[str]:
    """Return a text as Go escapes it in HTML and in JSON; the text itself if nothing needs escaping."""
    return {text.translate(table) for table in _MARKUP}


def _encoded(content: bytes, depth: int = MAX_BASE64_DEPTH) -> set[str]:
    """Return how bytes look in base64, alone and at each place inside of a longer text: what no neighbour changes.

    Base64 may hold base64, as ``auth`` does in a ``.dockerconfigjson``: that has the same spellings again.
    """
    found = {base64.b64encode(content).decode()}
    for before in range(3):
        text = base64.b64encode(b"\0" * before + content).decode()
        first, after = -(-8 * before // 6), 8 * (before + len(content)) // 6
        if after - first >= MIN_ENCODED_CHARS:
            found.add(text[first:after])
    if depth > 1 and len(content) <= MAX_NESTED_BYTES:
        found |= {inner for text in found for inner in _encoded(text.encode(), depth - 1)}
    return found | {text.translate(_URL_SAFE) for text in found}


_MARKS = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKUP = (
    str.maketrans(_MARKS),
    str.maketrans({**_MARKS, '"': "&quot;", "'": "&#x27;"}),
    str.maketrans({**_MARKS, '"': "&#34;", "'": "&#39;"}),
    str.maketrans({**_MARKS, '"': "&quot;", "'": "&#039;"}),
    str.maketrans({"&": "\\u0026", "<": "\\u003c", ">": "\\u003e"}),
)
"""As Python, Go and PHP write HTML, and Go JSON."""
_URL_SAFE = str.maketrans("+/", "-_")


def _transformed(secret: str) -> set[str]:
    """Return what templates commonly make of a password: other case, quoted for a URL.

    A word alone is left out, since its other case may be anyone's word; so is what is too long to be typed.
    """
    if not MIN_TRANSFORMED_CHARS <= len(secret) <= MAX_TRANSFORMED_CHARS or secret.isalpha():
        return set()
    quoted = "".join(map(_quoted, secret))
    small = "".join(_quoted(char).lower() if not char.isalnum() else char for char in secret)
    return {
        *(secret.upper(), secret.lower()),
        *(text.replace("%2F", "/").replace("%2f", "/") for text in (quoted, small)),
        *(text.replace("%20", "+") for text in (quoted, small)),
        *(quoted, small),
    }


def _quoted(char: str) -> str:
    """Return a character as it is in a URL; urllib would be a module more at every start."""
    is_plain = char.isascii() and (char.isalnum() or char in "-._~")
    return char if is_plain else "".join(f"%{byte:02X}" for byte in char.encode(errors="replace"))
