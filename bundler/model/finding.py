"""What lint reports. Layer: model."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.model.bundle import Bundle


class Level(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong, or not as good as it could be.

    Example:
        >>> from bundler import Finding, Session
        >>> with Session.local() as session:
        ...     all(isinstance(finding, Finding) for finding in session.lint("webapp").findings)
        True
    """

    file: str
    """Empty where no single file is to blame."""
    line: int
    """From 1; 0 where it is not known."""
    column: int
    """From 1; 0 where it is not known."""
    level: Level
    """``error`` or ``warning``."""
    rule: str
    """Stable name: an error's code, or a check's."""
    message: str
    """What is wrong."""
    details: tuple[str, ...] = ()
    """Lines that belong to it: an excerpt, a chain of includes."""
    hint: str = ""
    """What to do; empty where the message says it."""

    @property
    def what(self) -> tuple[str, int, str]:
        """What makes two findings one."""
        return self.file, self.line, self.message

    @property
    def place(self) -> str:
        """``templates/web.yaml:3:7``, as far as it is known."""
        numbers = [str(number) for number in (self.line, self.column) if number]
        return ":".join([self.file or "bundle", *numbers])


@dataclass(frozen=True, slots=True, kw_only=True)
class LintResult:
    """What was found, sorted by place.

    Example:
        >>> from bundler import Session
        >>> with Session.local() as session:
        ...     result = session.lint("webapp")
        >>> (result.bundle.metadata.name, [finding.message for finding in result.findings])
        ('webapp', [])
    """

    findings: tuple[Finding, ...]
    """By file and line."""
    bundle: Bundle | None
    """None where it could not be loaded."""

    def count(self, level: Level) -> int:
        """Return how many findings are of one level."""
        return sum(finding.level is level for finding in self.findings)
