"""Checks, site files and the sandbox as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from bundler.model.size import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bundler.model.check import Check


class CheckForm(TypedDict):
    """One thing that was checked."""

    name: str
    state: Literal["passed", "failed", "warned", "skipped"]
    found: str
    details: list[str]
    hint: str
    """What to do; only where it failed or warned."""


class SiteForm(TypedDict):
    """A site file that was written."""

    path: str
    site: str
    """Its text."""


SandboxVerb: TypeAlias = Literal["path", "reset", "fail", "heal", "delete"]


class SandboxForm(TypedDict):
    """What was done to the sandbox."""

    did: SandboxVerb
    result: str
    """The path, or what became of it in words."""


def check_forms(checks: Iterable[Check]) -> list[CheckForm]:
    """Return what was checked, and what came of it."""
    return [_check_form(check) for check in checks]


def _check_form(check: Check) -> CheckForm:
    return {
        "name": check.name,
        "state": check.state.value,
        "found": check.found,
        "details": list(check.details),
        "hint": sentence(check.hint),
    }


def site_form(path: Path, text: str) -> SiteForm:
    """Return which site file was written."""
    return {"path": str(path), "site": text}


def sandbox_form(did: SandboxVerb, result: str) -> SandboxForm:
    """Return what was done to the sandbox."""
    return {"did": did, "result": result}
