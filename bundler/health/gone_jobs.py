"""Jobs that are gone, or going, when they are checked. Layer: rules, pure.

``ttlSecondsAfterFinished`` may delete a Job before anyone has seen that it finished.
"""

from __future__ import annotations

from bundler.health.generic import current, has_condition
from bundler.health.workloads import job_health
from bundler.model.health import Health, Status
from bundler.model.json import Body, mapping_at, value_at


def is_complete(job: Body) -> bool:
    """Return whether a Job did its work."""
    return has_condition(job, "Complete")


def gone_job_health(spec: Body, last: Body | None) -> Health:
    """Judge a Job that was there and is gone.

    Args:
        spec: the Job as it was written.
        last: what it looked like when it was last seen; None where that is not known.
    """
    seen = last or {}
    if (judged := job_health(seen)).status is Status.FAILED:
        return judged
    if is_complete(seen) or _goes_by_itself(spec) or _goes_by_itself(seen):
        return current("has run, and is gone")
    return Health(Status.NOT_FOUND, "it was deleted before it had finished")


def _goes_by_itself(job: Body) -> bool:
    return "ttlSecondsAfterFinished" in mapping_at(job, "spec") and value_at(job, "spec", "suspend") is not True
