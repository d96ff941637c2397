"""Results of the tests that a bundle brings, as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.model.render_test import RenderTestResult


class RenderTestForm(TypedDict):
    """One case at one point of its matrix."""

    name: str
    file: str
    line: int
    """From 1."""
    verdict: Literal["passed", "failed", "updated"]
    """``updated``: its golden file was written."""
    problems: list[str]
    """What is not as expected."""
    seconds: float


def render_test_forms(results: Iterable[RenderTestResult]) -> list[RenderTestForm]:
    """Return each result, in the order run."""
    return [_form(result) for result in results]


def _form(result: RenderTestResult) -> RenderTestForm:
    return {
        "name": result.name,
        "file": result.source.file,
        "line": result.source.line,
        "verdict": result.verdict.value,
        "problems": list(result.problems),
        "seconds": round(result.seconds, 3),
    }
