"""Write YAML that YAML 1.1 and 1.2 readers understand alike. Layer: syntax, pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import isinf, isnan
from typing import TYPE_CHECKING

from bundler.model.json import JSONValue, is_list, is_mapping
from bundler.model.pattern import LazyPattern

if TYPE_CHECKING:
    import re


# Words that some reader takes for a boolean, null, number, merge key or default value.
# Source: YAML 1.1 type repository (bool, null, float, merge, value); YAML 1.2.2, section 10.3.2.
_RETYPED_WORDS = frozenset(
    "y n yes no on off true false null ~ = << .inf -.inf +.inf .nan nan inf".split()  # noqa: SIM905 - reads better
)
_NUMBER_STARTS = frozenset("+-.0123456789")
_RETYPED_NUMBER = LazyPattern(r"""(?x)[-+]?(?:
      0[xX][0-9a-fA-F_]+ | 0[oO][0-7_]+ | 0[bB][01_]+       # hexadecimal, octal, binary
      | [0-9_.]*[0-9][0-9_.]*(?:[eE][-+]?[0-9_]*)?          # decimals; 1.1 allows dots and underscores anywhere
      | [0-9][0-9_]*(?::[0-9_.]+)+                          # sexagesimal
    )
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\ \t].*)?         # dates""")
_PLAIN_STARTS = frozenset("_/.$(+")
_PLAIN_CHARS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.$()+@%=,;~*&!<>|{}[]'\"^\\?`-: #"
)
"""Beside other letters and digits."""
_PLAIN_NEVER = (": ", " #", "  ")
"""A key's end, a comment, and what folding would lose."""
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks that change the direction of what follows: a text would be read as another one than it is."""
_ESCAPED = LazyPattern(f"[\x7f-\x9f{_BIDI}\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_NOT_LITERAL = LazyPattern(
    f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]|^[ \t\n]|(?m:^[ \t]+$)"
)
_FLOAT_PARTS = LazyPattern(r"([-+]?)([0-9]*)(?:(\.)([0-9]*))?(?:[eE]([-+]?)([0-9]+))?")
_MAX_SIMPLE_KEY_CHARS = 1000  # readers look for the colon within 1024


def dump_yaml(value: JSONValue, *, indent: int = 0) -> str:
    """Write ``value`` in block style, keys in the given order, ending with a newline.

    Every line but the first starts with ``indent`` spaces: the text stands where its first line is put. Any reader of
    YAML 1.1 or 1.2 reads the same values back.
    """
    return "\n".join(_lines(value, " " * indent)) + "\n"


def dump_documents(values: Iterable[JSONValue]) -> str:
    """Write several documents, each after a line ``---``."""
    return "".join(f"---\n{dump_yaml(value)}" for value in values)


def _lines(value: JSONValue, margin: str) -> list[str]:
    if isinstance(value, str):
        return _text_lines(value, margin)
    if is_mapping(value) and value:
        return _mapping_lines(value, margin)
    if is_list(value) and value:
        return _sequence_lines(value, margin)
    return [_scalar(value)]


def _mapping_lines(value: Mapping[str, JSONValue], margin: str) -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        start = margin if lines else ""
        name = _key(str(key))
        if len(name) > _MAX_SIMPLE_KEY_CHARS:
            lines.append(f"{start}? {name}")
            start, name = margin, ""
        if isinstance(item, str):
            first, *rest = _text_lines(item, margin)
            lines += [f"{start}{name}: {first}", *rest]
        elif is_mapping(item) and item:
            inner = margin + "  "
            below = _mapping_lines(item, inner)
            lines += [f"{start}{name}:", inner + below[0], *below[1:]]
        elif is_list(item) and item:
            # an explicit key needs its list further in
            inner = margin if name else margin + "  "
            below = _sequence_lines(item, inner)
            lines += [f"{start}{name}:", inner + below[0], *below[1:]]
        else:
            lines.append(f"{start}{name}: {_scalar(item)}")
    return lines


def _sequence_lines(value: Sequence[JSONValue], margin: str) -> list[str]:
    lines: list[str] = []
    for item in value:
        start = margin if lines else ""
        first, *rest = _lines(item, margin + "  ")
        lines += [f"{start}- {first}", *rest]
    return lines


def _scalar(value: JSONValue) -> str:
    """Write what is neither a text nor holds anything."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int):
        return str(value)
    return "{}" if is_mapping(value) else "[]"


def _text_lines(text: str, margin: str) -> list[str]:
    text = str(text)
    if "\n" not in text or _NOT_LITERAL.search(text):
        return [_key(text)]
    body = text.rstrip("\n")
    newlines = len(text) - len(body)
    chomping = "-" if newlines == 0 else "" if newlines == 1 else "+"
    lines = [f"{margin}  {line}" if line else "" for line in body.split("\n")]
    return [f"|{chomping}", *lines, *[""] * (newlines - 1)]


@lru_cache(maxsize=4096)
def _key(text: str) -> str:
    """Write a text on one line; the same few hundred make up thousands of objects."""
    if _is_plain(text) and not _is_retyped(text):
        return text
    # the same characters mean the same in JSON and in double quotes, but for those that YAML does not print
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted if quoted.isascii() and "\x7f" not in quoted else _ESCAPED.sub(_escape, quoted)


def _is_plain(text: str) -> bool:
    """Return whether a text needs no quotes where it is: no indicator, no document marker."""
    return (
        (text[:1] in _PLAIN_STARTS or text[:1].isalnum())
        and all(map(str.isalnum, set(text).difference(_PLAIN_CHARS)))
        and not text.startswith("...")
        and not text.endswith((":", " "))
        and not any(pair in text for pair in _PLAIN_NEVER)
    )


def _is_retyped(text: str) -> bool:
    return (
        text.lower() in _RETYPED_WORDS
        or (text[:1] in _NUMBER_STARTS and _RETYPED_NUMBER.fullmatch(text) is not None)
        or (not text.isascii() and _ESCAPED.search(text) is not None)
    )


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    # half of a surrogate pair is not a character; Kubernetes' own JSON reader replaces it likewise
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else f"\\u{code:04x}"


def _float(value: float) -> str:
    if isnan(value):
        return ".nan"
    if isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = str(value)
    parts = _FLOAT_PARTS.fullmatch(text)
    if parts is None or (parts[3] and parts[6] is None):
        return text
    # YAML 1.1 asks for a point, and for a sign in the exponent
    sign, whole, _, fraction, exponent_sign, exponent = parts.groups()
    tail = f"e{exponent_sign or '+'}{exponent}" if exponent else ""
    return f"{sign}{whole or '0'}.{fraction or '0'}{tail}"
