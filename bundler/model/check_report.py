"""What the checks of a release have shown. Layer: model, pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from datetime import datetime

    from bundler.model.refs import ObjectRef
    from bundler.model.release import RevisionSummary


class CheckOutcome(StrEnum):
    """What became of a check.

    Example:
        >>> from bundler import CheckOutcome
        >>> [str(outcome) for outcome in CheckOutcome]
        ['passed', 'failed', 'skipped']
    """

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """There was no time left for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """One check that was run.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="shop", release="shop"))
        ...     (run,) = session.test("shop").runs
        >>> (run.source, str(run.outcome))
        ('checks/front.yaml:2', 'passed')
    """

    ref: ObjectRef
    """Its Job."""
    component: str
    """Path of the component whose check it is; empty for the bundle itself."""
    source: str
    """File and line of the template."""
    outcome: CheckOutcome
    """What became of it."""
    seconds: float = 0.0
    """How long it took."""
    lines: tuple[str, ...] = ()
    """Of one that failed: its container, exit code, attempts and the last lines of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What the checks of a release have shown.

    Example:
        >>> from bundler import ReleaseRequest, Session
        >>> with Session.sandbox() as session:
        ...     done = session.apply(ReleaseRequest(bundle="webapp", release="shop"))
        ...     report = session.test("shop")
        >>> (report.revision.revision, report.has_failed)
        (1, False)
    """

    revision: RevisionSummary
    """The deployed one, whose checks these are."""
    began: datetime
    """In UTC."""
    runs: tuple[CheckRun, ...]
    """In the order in which they ran."""

    @property
    def has_failed(self) -> bool:
        """Return whether any check did not pass."""
        return any(run.outcome is not CheckOutcome.PASSED for run in self.runs)

    def count(self, outcome: CheckOutcome) -> int:
        """Return how many checks came to that."""
        return sum(run.outcome is outcome for run in self.runs)
