"""What ``bundler test-render`` prints. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.terminal.text import Line
from bundler.model.render_test import Verdict
from bundler.model.size import counted
from bundler.wire.render_tests import render_test_forms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bundler.cli.session.app import App
    from bundler.model.render_test import RenderTestResult

_STYLES = {Verdict.PASSED: "green", Verdict.FAILED: "red", Verdict.UPDATED: "yellow"}


def show_render_tests(app: App, results: Iterable[RenderTestResult]) -> Sequence[RenderTestResult]:
    """Print each result as it comes, or all in the form that -o asks for, and how many there were; return them."""
    shown: list[RenderTestResult] = []
    for result in results:
        app.redactor.learn(*result.sensitive)
        shown.append(result)
        if app.output == "text":
            app.screen.lines(_lines(result))
    if app.output != "text":
        app.screen.document(render_test_forms(shown), app.output)
    failed = sum(result.verdict is Verdict.FAILED for result in shown)
    app.screen.say(f"{counted(len(shown), 'test')}, {failed} failed")
    return shown


def _lines(result: RenderTestResult) -> Iterator[Line]:
    yield Line(f"{result.verdict}  {result.source.file}: {result.name}", _STYLES[result.verdict])
    yield from (Line(f"  {problem}") for problem in result.problems)
