"""Times as Kubernetes writes them into objects. Layer: controller, pure."""

from __future__ import annotations

from datetime import UTC, datetime


def written_time(moment: datetime) -> str:
    """Return a time in whole seconds of UTC: ``2026-11-30T12:00:00Z``."""
    return f"{moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"


def read_time(text: str) -> datetime | None:
    """Return the time written in an object, in UTC; None if the text is not a time."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
