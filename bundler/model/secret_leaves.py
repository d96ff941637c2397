"""What the leaves of a Secret say: the one place that reads them. Layer: model, pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Final

from bundler.model.json import Body, JSONValue, is_mapping, mapping_at, texts_in
from bundler.model.redaction import MASK

LEAF_FIELDS = ("data", "stringData")

_PLAIN: Final = ("type.", "immutable.", "metadata.labels.")
"""Fields of a Secret that hold nothing secret."""
_BREAKS = re.compile(r"[\r\n]+")
"""What Go's decoder passes over in base64; the API server stores the text without them."""


def is_secret(body: Body) -> bool:
    """Return whether an object is a Secret of the core group."""
    return body.get("kind") == "Secret" and body.get("apiVersion") == "v1"


def is_plain_field(path: str) -> bool:
    """Return whether a field of a Secret may be shown: its labels and what it is, not what it or a note holds.

    Args:
        path: ``.metadata.labels.app``, with or without the first dot.
    """
    return f"{path.removeprefix('.')}.".startswith(_PLAIN)


def unbroken(encoded: str) -> str:
    """Return base64 as the API server stores it, without line breaks."""
    return _BREAKS.sub("", encoded) if "\n" in encoded or "\r" in encoded else encoded


def decoded_leaf(encoded: str) -> bytes | None:
    """Return the bytes that a leaf of ``data`` stands for; None where it is not base64."""
    try:
        return base64.b64decode(unbroken(encoded), validate=True)
    except ValueError:
        return None


def without_leaves(body: Body) -> Body:
    """Return a Secret with its leaves masked, keys left as they are."""
    hidden = {field: _masked(body[field]) for field in LEAF_FIELDS if field in body}
    return {**body, **hidden}


def shareable(body: Body) -> Body:
    """Return an object as it may be shown to anyone: of a Secret the keys alone."""
    return without_leaves(body) if is_secret(body) else body


def _masked(value: JSONValue) -> JSONValue:
    return {key: _masked(item) for key, item in value.items()} if is_mapping(value) else MASK


def leaf_contents(body: Body) -> Iterator[str]:
    """Yield what each leaf of a Secret holds; what is not base64 of a text is taken as it is written."""
    yield from texts_in(mapping_at(body, "stringData"))
    for encoded in texts_in(mapping_at(body, "data")):
        text = _decoded_text(encoded)
        yield encoded if text is None else text


def leaf_texts(body: Body) -> Iterator[str]:
    """Yield every text by which the leaves of a Secret can be known: as written, without line breaks, decoded.

    What is not base64 is known as written, and bytes that are no UTF-8 by their base64.
    """
    yield from texts_in(mapping_at(body, "stringData"))
    for encoded in texts_in(mapping_at(body, "data")):
        yield encoded
        yield unbroken(encoded)
        text = _decoded_text(encoded)
        if text is not None:
            yield text


def _decoded_text(encoded: str) -> str | None:
    content = decoded_leaf(encoded)
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError:
        return None
