"""Checked access to records that were read. Layer: adapter, pure."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from bundler.errors.change import RecordDamagedError
from bundler.model.json import text_at
from bundler.model.redaction import MASK
from bundler.storage.limits import READ_NESTING_MAX, READ_SECRET_MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from enum import StrEnum

    from bundler.model.json import Body, JSONValue

    _W = TypeVar("_W", bound=StrEnum)


class DamageError(ValueError):
    """What is wrong with a record, in words; becomes a RecordDamagedError that names the record."""


def word_of(kind: type[_W], text: str, what: str) -> _W:
    """Return the word of a kind that a text is.

    Args:
        kind: an enumeration.
        text: as it was read.
        what: it is, for messages.

    Raises:
        DamageError: when it is none of them.
    """
    try:
        return kind(text)
    except ValueError as error:
        raise DamageError(f"{what} is none that this bundler knows: {text[:40]!r}") from error


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn damage into one error that names the record.

    Raises:
        RecordDamagedError
    """
    try:
        yield
    except DamageError as damage:
        raise damaged(what, str(damage)) from damage


def damaged(what: str, found: str) -> RecordDamagedError:
    """Return the error for a record that cannot be used."""
    return RecordDamagedError(
        f"reading release record {what}",
        context=[found],
        hint="restore this Secret from a backup, or continue without it: install, upgrade and uninstall "
        "find what the release owns by its label, and rollback takes the number of another revision",
    )


def secret_bytes(secret: Body, key: str) -> bytes:
    """Return one decoded value of a Secret.

    Raises:
        DamageError: when it is missing, too large or not base64.
    """
    text = text_at(secret, "data", key)
    if not text:
        raise DamageError(f"data.{key} is missing")
    if len(text) > READ_SECRET_MAX_BYTES * 4 // 3 + 4:
        raise DamageError(f"data.{key} is larger than {READ_SECRET_MAX_BYTES} bytes")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DamageError(f"data.{key} is not base64") from error


def inflate(content: bytes, max_bytes: int) -> bytes:
    """Decompress, but never more than ``max_bytes``.

    Raises:
        DamageError: when it is not one whole zlib stream, or inflates to more.
    """
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(content, max_bytes)
        if not stream.eof and (stream.unconsumed_tail or len(raw) >= max_bytes):
            raw += stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error as error:
        raise DamageError(f"it cannot be decompressed: {error}") from error
    if len(raw) > max_bytes:
        raise DamageError(f"it inflates to more than {max_bytes} bytes")
    if not stream.eof or stream.unused_data:
        raise DamageError("its compressed stream is cut off or continues after its end")
    return raw


def parse_json(content: bytes) -> JSONValue:
    """Parse JSON with bounded nesting.

    Raises:
        DamageError: when it is not JSON, or nested too deeply.
    """
    try:
        value: JSONValue = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamageError(f"it is not JSON, or nested too deeply: {error}") from error
    if content.count(b"{") + content.count(b"[") > READ_NESTING_MAX:
        _check_nesting(value)
    return value


def _check_nesting(value: JSONValue) -> None:
    level: list[JSONValue] = [value]
    for _ in range(READ_NESTING_MAX):
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise DamageError(f"it is nested more than {READ_NESTING_MAX} levels deep")


def _children(value: JSONValue) -> Sequence[JSONValue]:
    if isinstance(value, Mapping):
        return [item for item in value.values() if isinstance(item, dict | list)]
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict | list)]
    return ()


def mapping_of(value: JSONValue, what: str) -> Mapping[str, JSONValue]:
    """Return ``value`` as a mapping, or say that ``what`` is none."""
    if not isinstance(value, Mapping):
        raise DamageError(f"{what} is not a mapping")
    return value


def shown_mapping_of(value: JSONValue, what: str) -> Mapping[str, JSONValue]:
    """Return ``value`` as a mapping; one that is sensitive as a whole, and not filled in, as ``{"***": "***"}``."""
    return {MASK: MASK} if value == MASK else mapping_of(value, what)


def list_of(value: JSONValue, what: str, max_items: int) -> Sequence[JSONValue]:
    """Return ``value`` as a list of bounded length, or say that ``what`` is none.

    Args:
        value: to check.
        what: name of the value, for errors.
        max_items: longest list to accept.
    """
    if not isinstance(value, list):
        raise DamageError(f"{what} is not a list")
    if len(value) > max_items:
        raise DamageError(f"{what} has more than {max_items} items")
    return value


def text_of(value: JSONValue, what: str) -> str:
    """Return ``value`` as a string, or say that ``what`` is none."""
    if not isinstance(value, str):
        raise DamageError(f"{what} is not a string")
    return value


def texts_of(value: JSONValue, what: str, max_items: int) -> tuple[str, ...]:
    """Return ``value`` as strings, or say that ``what`` is not a list of strings.

    Args:
        value: to check.
        what: name of the value, for errors.
        max_items: longest list to accept.
    """
    return tuple(text_of(item, what) for item in list_of(value, what, max_items))


def count_of(value: JSONValue, what: str) -> int:
    """Return ``value`` as a number from 0, or say that ``what`` is none."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DamageError(f"{what} is not a whole number from 0")
    return value


def time_of(text: str) -> datetime:
    """Return the time that a text spells, with its zone, or say that there is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise DamageError(f"a time cannot be read: {text[:40]!r}") from error
    if found.tzinfo is None:
        raise DamageError(f"a time has no zone: {text[:40]!r}")
    return found
