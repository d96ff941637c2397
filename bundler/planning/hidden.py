"""Show a live object without what its record hides. Layer: planning, pure."""

from __future__ import annotations

from bundler.model.json import JSONValue, is_list, is_mapping, leaves_in
from bundler.model.redaction import MASK


def hidden_like(live: JSONValue, recorded: JSONValue) -> JSONValue:
    """Return ``live`` with a mask wherever ``recorded`` has one; lists of another length are hidden whole.

    Args:
        live: an object, or a part of one.
        recorded: the same part as a revision recorded it, read without its sensitive leaves.
    """
    if recorded == MASK:
        return MASK
    if is_mapping(live) and is_mapping(recorded):
        return {key: hidden_like(value, recorded.get(key)) for key, value in live.items()}
    if is_list(recorded) and has_hidden(recorded):
        if not is_list(live) or len(live) != len(recorded):
            return MASK
        return [hidden_like(value, other) for value, other in zip(live, recorded, strict=True)]
    return live


def has_hidden(recorded: JSONValue) -> bool:
    """Return whether a record hides something in this part."""
    return any(leaf == MASK for leaf in leaves_in(recorded))
