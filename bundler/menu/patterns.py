r"""Which patterns of a schema an API server takes, and reads as bundler does. Layer: menu, pure.

The server searches with Go's ``regexp`` (RE2), bundler with Python's ``re``. A pattern is kept when it is made of what
both have; where they differ in characters that it admits (``\d`` is any script's digit in Python, ``$`` comes before
a last line feed too) the server must be the stricter one.

Source: https://github.com/google/re2/wiki/Syntax; Python's documentation of ``re``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bundler.model.lean import dataclass
from bundler.model.pattern import LazyPattern

_TOKEN: Final = LazyPattern(
    r"""
    (?P<class>\[\^?\]?(?:\\.|[^\]\\])*\])
    | (?P<group>\((?:\?:|\?P<[A-Za-z_][A-Za-z0-9_]*>|(?!\?)))
    | (?P<close>\))
    | (?P<repeat>(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})\??)(?![*+?]|\{[0-9,])
    | (?P<escape>\\(?:x[0-9A-Fa-f]{2}|[^\W_]|[!-/:-@\[-`{-~]))
    | (?P<anchor>[\^$])
    | (?P<or>\|)
    | (?P<plain>[^\\()\[*+?{|^$])
    """,
    re.VERBOSE | re.DOTALL,
)
_STRICTER: Final = frozenset("dws")
_SAME: Final = frozenset("xnrtfvA")
_MAX_REPEATS: Final = 1000
"""Of one repetition, and of repetitions within each other; RE2 takes no more."""
_MAX_CHARS: Final = 1000


@dataclass(frozen=True, slots=True)
class ServedPattern:
    """What an API server makes of a pattern."""

    refusal: str = ""
    """Why it cannot have it; empty: it can."""
    is_exact: bool = True
    """It takes the same texts; False: some that bundler takes, it does not."""


def served_pattern(pattern: str) -> ServedPattern:
    """Return what an API server makes of a pattern of a schema."""
    if len(pattern) > _MAX_CHARS:
        return ServedPattern(f"it is longer than {_MAX_CHARS} characters")
    tokens = list(_tokens(pattern))
    refusal = next((text for kind, text in tokens if kind == "refused"), "") or _bad_repeats(tokens)
    if refusal:
        return ServedPattern(refusal)
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return ServedPattern("it is not a pattern")
    is_exact = not any(_narrows(kind, text) for kind, text in tokens)
    return ServedPattern(is_exact=is_exact)


def _tokens(pattern: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(pattern):
        found = _TOKEN.match(pattern, at)
        if found is None:
            yield "refused", "the API server's patterns have no look-around, back reference or the like"
            return
        kind, text = str(found.lastgroup), found.group()
        if (kind == "escape" and not _is_shared(text)) or (kind == "class" and not _is_shared_class(text)):
            yield "refused", f"{text} means something else to the API server"
        yield kind, text
        at = found.end()


def _is_shared(escape: str) -> bool:
    sign = escape[1]
    return not sign.isalnum() or sign in _SAME or sign in _STRICTER


def _is_shared_class(text: str) -> bool:
    inside = text[1:-1]
    escapes = re.findall(r"\\(.)", inside, re.DOTALL)
    if "[" in re.sub(r"\\.", "", inside, flags=re.DOTALL) or not inside.isascii():
        return False
    if any(sign.isalnum() and (sign not in _SAME or sign == "A") and sign not in _STRICTER for sign in escapes):
        return False
    return not (inside.startswith("^") and _STRICTER.intersection(escapes))


def _narrows(kind: str, text: str) -> bool:
    return (kind == "anchor" and text == "$") or (
        kind in ("escape", "class") and any(f"\\{sign}" in text for sign in _STRICTER)
    )


def _bad_repeats(tokens: list[tuple[str, str]]) -> str:
    """Return what is wrong with repetitions: of nothing, or of too many."""
    worst, before = [1], ""
    closed = 1
    for kind, text in tokens:
        if kind == "group":
            worst.append(1)
        elif kind == "close":
            closed = worst.pop() if len(worst) > 1 else 1
            worst[-1] = max(worst[-1], closed)
        elif kind == "repeat":
            if before in ("", "group", "or", "anchor"):
                return "it repeats nothing"
            inner = closed if before == "close" else 1
            worst[-1] = max(worst[-1], inner * _most(text))
        before = kind
    return f"it repeats more than {_MAX_REPEATS} times" if worst[0] > _MAX_REPEATS else ""


def _most(repeat: str) -> int:
    return max((int(number) for number in re.findall(r"[0-9]+", repeat)), default=1)
