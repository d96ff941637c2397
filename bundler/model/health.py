"""Health of one object, in kstatus's words. Layer: model, pure."""

from __future__ import annotations

from enum import StrEnum

from bundler.model.lean import dataclass


class Status(StrEnum):
    """kstatus's six words. Source: sigs.k8s.io/cli-utils, pkg/kstatus/README.md, "Statuses"."""

    CURRENT = "Current"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    TERMINATING = "Terminating"
    NOT_FOUND = "NotFound"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Health:
    """A status, why, and how far: ``Health(IN_PROGRESS, "1 of 3 replicas are ready", 1, 3)``."""

    status: Status
    message: str
    ready: int | None = None
    wanted: int | None = None
    warning: str = ""
    """Said once although the object counts as ready (a LoadBalancer without address)."""
