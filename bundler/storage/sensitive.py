"""Take sensitive leaves out of JSON, and put them back. Layer: adapter, pure.

A hidden leaf is replaced by a typed reference ``{"bundler.dev/sensitive": POINTER}``; POINTER is its own place, so
that the blob stays the same when only the secret changes, and an unchanged one is stored once. A mapping of an author
that has one of our keys is wrapped in ``{"bundler.dev/literal": …}``, so that it is never taken for a reference. A
number of the user whose text JSON would change (``1.30``, ``1e4``, ``.5``) is ``{"bundler.dev/number": TEXT}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bundler.model.json import canonical_json, escape_token, is_number
from bundler.model.redaction import MASK, MIN_NUMBER_DIGITS, Redactor, is_common, is_short, spellings
from bundler.storage.reading import DamageError
from bundler.syntax.json_text import is_kept_by_json
from bundler.syntax.scalars import YamlFloat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.model.json import JSONValue

REFERENCE = "bundler.dev/sensitive"
LITERAL = "bundler.dev/literal"
NUMBER = "bundler.dev/number"
_KEYS = (REFERENCE, LITERAL, NUMBER)
_OURS = tuple(f'"{key}"' for key in _KEYS)

MIN_KEY_CHARS = 12
"""Mapping keys are hidden only for secrets so long that no field name contains them by chance."""


class Secrets:
    """The sensitive strings of a revision, in every spelling.

    Strings that stand inside an identifier which the record must show anyway (``shop`` in the name ``shop-db``) are
    hidden as a whole value of the user, but not searched for inside other text: that would hide nothing.
    """

    def __init__(self, sensitive: Iterable[str], public: Iterable[str]) -> None:
        everything = frozenset(text for text in sensitive if text)
        identifiers = "\n".join(sorted(set(public)))
        self.whole = everything
        self.private = frozenset(text for text in everything if text not in identifiers and not is_common(text))
        self.inside = tuple(sorted(text for text in spellings(self.private) if text not in identifiers))
        self.inside_keys = tuple(text for text in self.inside if len(text) >= MIN_KEY_CHARS)
        # In one case there is less to look for; folding is done character by character, lower() is not.
        in_json = {json.dumps(text, ensure_ascii=False)[1:-1].casefold() for text in self.inside}
        self._in_json = tuple(sorted(in_json))
        self._has_short = any(map(is_short, self.private))
        self.redactor = Redactor()
        self.redactor.learn(*self.private)

    def may_be_in(self, canonical: str) -> bool:
        """Return quickly whether canonical JSON holds anything to hide or to wrap."""
        if self._has_short:
            return True
        folded = canonical.casefold()
        return any(text in folded for text in (*_OURS, *self._in_json))

    def is_in_text(self, text: str) -> bool:
        """Return whether a string leaf holds a sensitive string."""
        return text in self.private or any(spelling in text for spelling in self.inside)

    def is_in_key(self, key: str) -> bool:
        """Return whether a mapping key holds a long sensitive string."""
        return any(spelling in key for spelling in self.inside_keys)

    def mask(self, text: str) -> str:
        """Mask sensitive strings in plain text."""
        return MASK if text in self.private else self.redactor.redact(text)


@dataclass(slots=True)
class Hider:
    """Replaces sensitive leaves of one value by references and keeps what they were."""

    secrets: Secrets
    are_whole_hidden: bool = False
    """True for what the user gave: a leaf that equals a sensitive string is hidden, public word or not."""
    taken: dict[str, JSONValue] = field(default_factory=dict)
    """Pointer -> what was there."""

    def hide(self, value: JSONValue, pointer: str = "") -> JSONValue:
        """Return ``value`` with sensitive leaves replaced and mappings that look like ours wrapped."""
        if isinstance(value, Mapping):
            return self._hide_mapping(value, pointer)
        if isinstance(value, list | tuple):
            return [self.hide(item, f"{pointer}/{number}") for number, item in enumerate(value)]
        if self._is_sensitive(value):
            return self.take(value, pointer)
        return _numbered(value) if self.are_whole_hidden else value

    def _hide_mapping(self, value: Mapping[str, JSONValue], pointer: str) -> JSONValue:
        if any(self.secrets.is_in_key(key) for key in value):
            return self.take(value, pointer)
        hidden = {key: self.hide(item, f"{pointer}/{escape_token(key)}") for key, item in value.items()}
        return wrap(hidden)

    def _is_sensitive(self, value: JSONValue) -> bool:
        if isinstance(value, str):
            return self.secrets.is_in_text(value) or (self.are_whole_hidden and value in self.secrets.whole)
        if is_number(value):
            written = value.text if isinstance(value, YamlFloat) else ""
            texts = {json.dumps(value), written}
            if self.are_whole_hidden:
                return not self.secrets.whole.isdisjoint(texts)
            return any(len(text) >= MIN_NUMBER_DIGITS and text in self.secrets.private for text in texts)
        return False

    def take(self, value: JSONValue, pointer: str) -> JSONValue:
        """Keep a value and return the reference to it."""
        self.taken[pointer] = _numbered(value)
        return {REFERENCE: pointer}

    def take_leaves(self, value: JSONValue, pointer: str) -> JSONValue:
        """Take every leaf below, whatever it is."""
        if isinstance(value, Mapping) and value:
            if any(self.secrets.is_in_key(key) for key in value):
                return self.take(value, pointer)
            return wrap({key: self.take_leaves(item, f"{pointer}/{escape_token(key)}") for key, item in value.items()})
        return value if isinstance(value, Mapping) or value is None else self.take(value, pointer)


def wrap(value: Mapping[str, JSONValue]) -> Mapping[str, JSONValue]:
    """Wrap a mapping that could be taken for one of ours."""
    return {LITERAL: value} if any(key in value for key in _KEYS) else value


def _numbered(value: JSONValue) -> JSONValue:
    """Return ``value`` where a number that JSON would write with another text keeps its own."""
    if isinstance(value, YamlFloat):
        return value if is_kept_by_json(value) else {NUMBER: value.text}
    if isinstance(value, Mapping):
        inner = {key: _numbered(item) for key, item in value.items()}
        return {LITERAL: inner} if NUMBER in value else inner
    return [_numbered(item) for item in value] if isinstance(value, list | tuple) else value


def _with_numbers(value: JSONValue) -> JSONValue:
    """Undo what :func:`_numbered` did."""
    if isinstance(value, Mapping):
        if value.keys() == {NUMBER}:
            return _number(value[NUMBER])
        inner = value.get(LITERAL) if value.keys() == {LITERAL} else None
        found = inner if isinstance(inner, Mapping) and NUMBER in inner else value
        return {key: _with_numbers(item) for key, item in found.items()}
    return [_with_numbers(item) for item in value] if isinstance(value, list) else value


def _number(text: JSONValue) -> YamlFloat:
    try:
        return YamlFloat(str(text))
    except ValueError as error:
        raise DamageError("a number is none") from error


def reveal(value: JSONValue, taken: Mapping[str, JSONValue] | None) -> JSONValue:
    """Return ``value`` with references filled in; with ``taken`` None each becomes ``***``.

    Raises:
        DamageError: when a reference leads nowhere.
    """
    if isinstance(value, Mapping):
        if len(value) == 1 and LITERAL in value:
            inner = value[LITERAL]
            if not isinstance(inner, Mapping):
                raise DamageError("a wrapped mapping is none")
            return {key: reveal(item, taken) for key, item in inner.items()}
        if len(value) == 1 and REFERENCE in value:
            return _look_up(value[REFERENCE], taken)
        if len(value) == 1 and NUMBER in value:
            return _number(value[NUMBER])
        return {key: reveal(item, taken) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item, taken) for item in value]
    return value


def _look_up(pointer: JSONValue, taken: Mapping[str, JSONValue] | None) -> JSONValue:
    if taken is None:
        return MASK
    if not isinstance(pointer, str) or pointer not in taken:
        raise DamageError(f"the sensitive value of {pointer} is missing")
    return _with_numbers(taken[pointer])


def is_marked(content: bytes) -> bool:
    """Return quickly whether canonical JSON holds references or wrapped mappings."""
    return any(key.encode() in content for key in _OURS)


def hide_json(hider: Hider, value: JSONValue) -> bytes:
    """Return canonical JSON of ``value`` without what is sensitive; the quick way where there is nothing."""
    content = canonical_json(value)
    if not hider.are_whole_hidden and not hider.secrets.may_be_in(content.decode()):
        return content
    return canonical_json(hider.hide(value))
