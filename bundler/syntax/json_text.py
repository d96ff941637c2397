"""Read and write JSON whose numbers keep the text they were written with. Layer: syntax, pure."""

from __future__ import annotations

import json
from math import isinf
from typing import TYPE_CHECKING

from bundler.model.json import JSONValue, is_list, is_mapping
from bundler.model.pattern import LazyPattern
from bundler.syntax.scalars import YamlFloat

if TYPE_CHECKING:
    import re


_MARK = "\ue000number:"
"""Begins a text that stands for a number until all is written; a text of the data that begins so is left as it is."""
_MARKED = LazyPattern(f'"{_MARK}([0-9]+)"')
_PARTS = LazyPattern(r"([-+]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([-+]?[0-9]+))?")


def dump_json(value: JSONValue, *, indent: int | None = None, is_strict: bool = True) -> str:
    """Write ``value`` as JSON, keys in their order: ``1.30`` stays ``1.30``, and ``.5`` becomes ``0.5``.

    Args:
        value: what to write.
        indent: spaces for each level; None writes one line.
        is_strict: False writes what JSON does not have as Python does.

    Raises:
        ValueError: for numbers that JSON does not have, where it is strict.
    """
    texts: list[str] = []
    default = None if is_strict else str
    marked = _marked(value, texts)
    written = json.dumps(marked, ensure_ascii=False, indent=indent, allow_nan=not is_strict, default=default)
    if not texts:
        return written

    def number(match: re.Match[str]) -> str:
        return texts[int(match[1])] if int(match[1]) < len(texts) else match[0]

    return _MARKED.sub(number, written)


def read_json(text: str) -> JSONValue:
    """Read JSON in which no key comes twice; numbers keep their text, and are those that JSON has.

    Raises:
        ValueError: when it is not.
        RecursionError: when it is nested too deeply.
    """
    value: JSONValue = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=read_number)
    return value


def _unique(pairs: list[tuple[str, JSONValue]]) -> dict[str, JSONValue]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f'the key "{twice}" appears twice in one object')
    return found


def _no_constant(name: str) -> JSONValue:
    raise ValueError(f"{name} is not a JSON number")


def read_number(text: str) -> YamlFloat:
    """Return a number of a JSON text, for ``json.loads(parse_float=…)``.

    Raises:
        ValueError: when it is larger than any number here.
    """
    number = YamlFloat(text)
    if isinf(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def is_kept_by_json(number: float) -> bool:
    """Return whether plain JSON writes a number with the text that it has."""
    return not isinstance(number, YamlFloat) or json.dumps(number) == number.text


def _marked(value: JSONValue, texts: list[str]) -> JSONValue:
    if isinstance(value, YamlFloat) and not is_kept_by_json(value):
        text = _json_number(value)
        if text:
            texts.append(text)
            return f"{_MARK}{len(texts) - 1}"
    if is_mapping(value):
        return {key: _marked(item, texts) for key, item in value.items()}
    return [_marked(item, texts) for item in value] if is_list(value) else value


def _json_number(number: YamlFloat) -> str:
    """Return the number as JSON spells it, digits as they are; empty for one that is not finite."""
    parts = _PARTS.fullmatch(number.text)
    if parts is None:
        return ""
    sign, whole, fraction, exponent = parts.groups()
    tail = f".{fraction}" if fraction else ""
    return f"{'-' if sign == '-' else ''}{whole or '0'}{tail}{f'e{exponent}' if exponent else ''}"
