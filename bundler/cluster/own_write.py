"""Tell our own write, whose answer was lost, from someone else's. Layer: adapter, pure.

A POST or PUT whose connection broke may have taken effect. Sent again it is refused with 409, since the name is taken
or the resourceVersion moved: by us, or by someone else. Two things must both hold before we call it ours: all that we
sent is in the live object, and the write is recorded under our field manager. What two writers send at once (a
lease, a revision) differs in who and when, so the one cannot be taken for the other.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bundler.model.cluster import FIELD_MANAGER
from bundler.model.json import items_at, text_at

if TYPE_CHECKING:
    from bundler.model.cluster import Payload
    from bundler.model.json import Body, JSONValue

_SET_BY_SERVER = frozenset({"resourceVersion", "managedFields", "uid", "generation", "creationTimestamp"})


def is_our_write(payload: Payload, live: Body) -> bool:
    """Return whether the live object is what sending ``payload`` made."""
    sent = json.loads(payload.content)
    metadata = {key: value for key, value in sent.get("metadata", {}).items() if key not in _SET_BY_SERVER}
    managers = {text_at(entry, "manager") for entry in items_at(live, "metadata", "managedFields")}
    return FIELD_MANAGER in managers and holds({**sent, "metadata": metadata}, live)


def holds(sent: JSONValue, live: JSONValue) -> bool:
    """Return whether every leaf that was sent has the same value in ``live``, which may have more."""
    if isinstance(sent, dict):
        return isinstance(live, dict) and all(holds(value, live.get(key)) for key, value in sent.items())
    if isinstance(sent, list):
        is_same_length = isinstance(live, list) and len(live) == len(sent)
        return is_same_length and isinstance(live, list) and all(map(holds, sent, live))
    return sent == live
