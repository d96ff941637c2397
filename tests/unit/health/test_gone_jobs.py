"""A Job that is gone: whether it did its work."""

from __future__ import annotations

import pytest

from bundler.health.workloads import gone_job_health
from bundler.model.health import Status

PLAIN = {"spec": {}}
SHORT_LIVED = {"spec": {"ttlSecondsAfterFinished": 0}}
RUNNING = {"status": {"active": 1}}
COMPLETE = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
FAILED = {"status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}}


@pytest.mark.parametrize(
    ("written", "last", "status"),
    [
        (SHORT_LIVED, COMPLETE, Status.CURRENT),
        (SHORT_LIVED, RUNNING, Status.CURRENT),
        (SHORT_LIVED, None, Status.CURRENT),
        (SHORT_LIVED, FAILED, Status.FAILED),
        (PLAIN, COMPLETE, Status.CURRENT),
        (PLAIN, FAILED, Status.FAILED),
        (PLAIN, RUNNING, Status.NOT_FOUND),
        (PLAIN, None, Status.NOT_FOUND),
        (PLAIN, {**SHORT_LIVED, **RUNNING}, Status.CURRENT),
        ({"spec": {"ttlSecondsAfterFinished": 0, "suspend": True}}, None, Status.NOT_FOUND),
    ],
)
def test_a_job_that_is_gone_is_judged_by_what_was_last_seen_of_it(written, last, status) -> None:
    assert gone_job_health(written, last).status is status
