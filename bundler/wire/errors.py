"""Errors as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

from bundler.model.size import sentence

if TYPE_CHECKING:
    from bundler.errors import BundlerError, Found

ERRORS_PAGE: Final = "docs/reference/errors.md"


class ProblemForm(TypedDict):
    """One thing that was found, as far as it is known what it is about."""

    message: str
    object: str
    """The Kubernetes object: `Deployment/web`; empty where it is about none."""
    field: str
    """The place in the object, the values or the file; empty where it is not known."""
    file: str
    """Empty where it is about none."""
    line: int
    """From 1; 0 where it is not known."""
    column: int
    """From 1; 0 where it is not known."""
    hint: str
    """What to do about this one problem; empty where the hint of the error says it."""


class ErrorForm(TypedDict):
    """Why a command failed."""

    code: str
    """Stable; each has an entry in docs/reference/errors.md."""
    message: str
    """What was being done."""
    context: list[str]
    """What was found, in lines."""
    hint: str
    """What to do."""
    problems: list[ProblemForm]
    """The lines of the context whose place is known."""
    exitCode: int
    link: str
    """The entry in the documentation: a path in the repository."""


def error_form(error: BundlerError) -> ErrorForm:
    """Return an error with all that it says."""
    return {
        "code": error.code,
        "message": str(error),
        "context": list(error.context),
        "hint": sentence(error.hint),
        "problems": [_problem_form(found) for found in error.problems],
        "exitCode": error.exit_code,
        "link": f"{ERRORS_PAGE}#{error.code}",
    }


def _problem_form(found: Found) -> ProblemForm:
    return {
        "message": found.message,
        "object": found.subject,
        "field": found.field,
        "file": found.file,
        "line": found.line,
        "column": found.column,
        "hint": sentence(found.hint),
    }
