"""The bytes of a saved plan: a line that says what it is, then its JSON, packed. Layer: wire, pure."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

from bundler.errors.change import PlanFileError
from bundler.files.plan_bytes import MAGIC, MAX_FILE_BYTES
from bundler.model.json import as_json
from bundler.model.pattern import LazyPattern
from bundler.model.size import shown_bytes
from bundler.syntax.json_text import dump_json, read_json
from bundler.wire.parts import MalformedError
from bundler.wire.saved_plan import read_saved_plan, saved_plan_form

if TYPE_CHECKING:
    from bundler.model.json import JSONValue
    from bundler.model.saved_plan import SavedPlan

_MAX_JSON_BYTES = 128 * 1024 * 1024
_HALVES = LazyPattern(r"\\u[dD][89a-fA-F]")
_HINT = "make the plan again with `bundler plan`, or copy it again from where it was made"


def encode_plan(saved: SavedPlan) -> bytes:
    """Return the content of a plan's file."""
    return MAGIC + zlib.compress(dump_json(as_json(saved_plan_form(saved))).encode())


def decode_plan(content: bytes, *, name: str) -> SavedPlan:
    """Return the plan of a file; nothing in it is taken for granted.

    Args:
        content: of the file.
        name: of the file, for messages.

    Raises:
        PlanFileError: when it is damaged, too large, or no plan.
    """
    try:
        return read_saved_plan(_unpacked(content))
    except MalformedError as error:
        raise PlanFileError(f"reading plan {name}", context=[f"{name}: {error}"], hint=_HINT) from error


def _unpacked(content: bytes) -> JSONValue:
    if not content.startswith(MAGIC):
        raise MalformedError("it is not a file that `bundler plan --out` wrote")
    if len(content) > MAX_FILE_BYTES:
        raise MalformedError(f"it is larger than {shown_bytes(MAX_FILE_BYTES)}")
    packed = zlib.decompressobj()
    try:
        content_json = packed.decompress(content[len(MAGIC) :], _MAX_JSON_BYTES)
    except zlib.error as error:
        raise MalformedError("it is damaged") from error
    if packed.unconsumed_tail:
        raise MalformedError(f"it holds more than {shown_bytes(_MAX_JSON_BYTES)}")
    if not packed.eof or packed.unused_data:
        raise MalformedError("it is damaged: it ends too early, or something follows it")
    try:
        text = content_json.decode()
        document: JSONValue = read_json(text)
        if _HALVES.search(text):  # halves of characters, which we never write, can be printed nowhere
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise MalformedError("what it holds is not JSON") from error
    return document
