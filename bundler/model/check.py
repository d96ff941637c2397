"""What was checked, and what came of it. Layer: model, pure."""

from __future__ import annotations

from enum import StrEnum

from bundler.model.lean import dataclass


class CheckState(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    WARNED = "warned"
    """Worth a look; nothing is stopped by it."""
    SKIPPED = "skipped"
    """It could not be checked, or does not matter here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was checked."""

    name: str
    """``storage class``, ``image docker.io/library/nginx:1.27``."""
    state: CheckState
    found: str
    """What was found, in one line."""
    hint: str = ""
    """What to do; only where it failed or warned."""
    details: tuple[str, ...] = ()
    """More of what was found, a line each."""


def passed(name: str, found: str) -> Check:
    """Return a check that went well."""
    return Check(name=name, state=CheckState.PASSED, found=found)


def failed(name: str, found: str, hint: str, details: tuple[str, ...] = ()) -> Check:
    """Return a check that did not.

    Args:
        name: of the check.
        found: what was seen.
        hint: what to do; starts with a verb.
        details: further lines.
    """
    return Check(name=name, state=CheckState.FAILED, found=found, hint=hint, details=details)


def warned(name: str, found: str, hint: str) -> Check:
    """Return a check that is worth a look.

    Args:
        name: of the check.
        found: what was seen.
        hint: what to do; starts with a verb.
    """
    return Check(name=name, state=CheckState.WARNED, found=found, hint=hint)


def skipped(name: str, found: str) -> Check:
    """Return a check that was not made."""
    return Check(name=name, state=CheckState.SKIPPED, found=found)
