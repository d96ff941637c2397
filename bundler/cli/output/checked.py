"""How the checks of a release are shown. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.cli.terminal.text import Line
from bundler.model.check_report import CheckOutcome
from bundler.model.size import counted, seconds
from bundler.wire.checked import check_report_form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.cli.session.app import App
    from bundler.model.check_report import CheckReport

_STYLES: Final = {CheckOutcome.PASSED: "green", CheckOutcome.FAILED: "red", CheckOutcome.SKIPPED: "yellow"}


def show_checks(app: App, report: CheckReport) -> int:
    """Print what each check came to, and return the exit code."""
    app.show(check_report_form(report), _lines(report))
    return 1 if report.has_failed else 0


def _lines(report: CheckReport) -> Iterator[Line]:
    for run in report.runs:
        yield Line(
            f"{run.outcome} {run.ref.seen_from(report.revision.namespace)} in {seconds(run.seconds)}",
            _STYLES[run.outcome],
        )
        yield from (Line(f"    {line}") for line in run.lines)
    summary = report.revision
    where = f"revision {summary.revision} of {summary.release}"
    if not report.runs:
        yield Line(f"{where} has no checks")
        return
    counts = ", ".join(f"{report.count(one)} {one}" for one in CheckOutcome if report.count(one))
    yield Line(f"{counted(len(report.runs), 'check')} of {where}: {counts}", "bold")
