"""What the API server says when it says no. Layer: adapter, pure.

Source: the type Status of k8s.io/apimachinery, pkg/apis/meta/v1.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from bundler.http.retry import folded
from bundler.model.json import int_at, items_at, mapping_at, text_at
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.json import Body

MAX_TEXT_CHARS = 1000
MAX_BODY_CHARS = 256
MAX_CAUSES = 50
MAX_VALUE_CHARS = 120
_QUOTE = "nvalid value: "
_DECODER = json.JSONDecoder()
_GO_VALUE = re.compile(r"[\w.*&\[\]]*\{")
_GO_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}]')


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of ``details.causes``."""

    reason: str
    message: str
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A refusal, whatever form it came in."""

    code: int
    reason: str
    message: str
    kind: str = ""
    """``details.kind``: a plural or a kind."""
    causes: tuple[Cause, ...] = ()
    is_from_api: bool = True
    """False where the answer is no Status object: a proxy's page, or a path that is not served."""


def read_status(code: int, body: bytes) -> Status:
    """Read the body of a refusal; texts are capped and on one line."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict) or parsed.get("kind") != "Status":
        text = one_line(body[: 4 * MAX_BODY_CHARS].decode(errors="replace"), MAX_BODY_CHARS)
        return Status(code=code, reason="", message=text or f"status {code} without a message", is_from_api=False)
    return status_of(parsed, code)


def status_of(body: Body, code: int = 0) -> Status:
    """Read a Status object; ``code`` is used where it holds none."""
    details = mapping_at(body, "details")
    causes = [
        Cause(text_at(item, "reason"), one_line(text_at(item, "message"), MAX_TEXT_CHARS), text_at(item, "field"))
        for item in items_at(details, "causes")[:MAX_CAUSES]
    ]
    return Status(
        code=int_at(body, "code", default=code),
        reason=text_at(body, "reason"),
        message=one_line(text_at(body, "message"), MAX_TEXT_CHARS) or f"status {code} without a message",
        kind=text_at(details, "kind"),
        causes=tuple(dict.fromkeys(causes)),
    )


def one_line(text: str, max_chars: int) -> str:
    """Fold white space, take out quoted values, and cut in the middle: the reason often stands at the end."""
    return folded(without_long_values(text), max_chars)


def without_long_values(text: str) -> str:
    """Replace what the server quotes of the object: a whole pod template, say, before "field is immutable"."""
    pieces, start = [], 0
    while (found := text.find(_QUOTE, start)) >= 0:
        value = found + len(_QUOTE)
        end = _end_of_value(text, value)
        is_long = end - value > MAX_VALUE_CHARS
        pieces += [text[start:value], "…" if is_long else text[value:end]]
        start = end
    return "".join((*pieces, text[start:]))


def _end_of_value(text: str, start: int) -> int:
    """Return where a value ends: one in JSON, or in the Go syntax of older servers (``core.PodTemplateSpec{…}``)."""
    try:
        return _DECODER.raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        opening = _GO_VALUE.match(text, start)
    if opening is None:
        return start
    depth, position = 1, opening.end()
    for token in _GO_TOKEN.finditer(text, position):
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        position = token.end()
        if depth == 0:
            return position
    return start
