"""How long an object has been as it is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bundler.health.age import unchanged_s

NOW = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)


def body(created: str = "2026-11-01T11:00:00Z", *writes: dict[str, str]) -> dict[str, object]:
    return {"metadata": {"creationTimestamp": created, "managedFields": list(writes)}}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (body(), 3600),
        (body("2026-11-01T11:00:00Z", {"time": "2026-11-01T11:59:30Z"}), 30),
        (body("2026-11-01T11:00:00Z", {"time": "2026-11-01T11:59:30Z", "subresource": "status"}), 3600),
        (body("2026-11-01T12:00:05Z"), 0),
        (body("yesterday"), 0),
        ({}, 0),
    ],
)
def test_an_object_is_as_old_as_its_last_change(written, expected: float) -> None:
    assert unchanged_s(written, NOW) == expected
