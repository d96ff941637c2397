"""How long an object has been as it is. Layer: rules, pure."""

from __future__ import annotations

from datetime import datetime

from bundler.model.json import Body, items_at, text_at


def unchanged_s(body: Body, now: datetime) -> float:
    """Return for how many seconds nothing but the status of an object has changed; 0 where that is unknown.

    Args:
        body: an object as the API returns it, ``managedFields`` included.
        now: the time of day.
    """
    changes = [
        text_at(one, "time") for one in items_at(body, "metadata", "managedFields") if not one.get("subresource")
    ]
    times = [_seconds(text) for text in (text_at(body, "metadata", "creationTimestamp"), *changes) if text]
    return max(0.0, now.timestamp() - max(times, default=now.timestamp()))


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return float("inf")
