"""Results of the tests that a bundle brings, as JSON and as JUnit XML. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

from bundler.model.render_test import Verdict
from bundler.wire.junit import JUnitCase, junit_document, junit_suite

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


def junit_xml(suite: str, results: Iterable[RenderTestResult]) -> str:
    """Return one suite with a case for each result; a failed one holds what was wrong."""
    return junit_document(junit_suite(suite, [_case(result) for result in results]))


def _case(result: RenderTestResult) -> JUnitCase:
    return JUnitCase(
        name=result.name,
        classname=result.source.file,
        seconds=result.seconds,
        outcome="failure" if result.verdict is Verdict.FAILED else "",
        lines=result.problems,
    )
