"""What ``bundler lint`` prints. Layer: cli."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bundler.cli.terminal.text import Line
from bundler.model.finding import Level
from bundler.model.size import counted, sentence
from bundler.wire.bundles import finding_forms, sarif_log

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bundler.cli.session.app import App
    from bundler.model.finding import Finding, LintResult

_STYLES = {Level.ERROR: "red", Level.WARNING: "yellow"}


def show_findings(app: App, result: LintResult) -> None:
    """Print findings in the form that -o asks for, and how many there are on stderr."""
    match app.output:
        case "text":
            app.screen.lines(_all_lines(result.findings))
        case "sarif":
            app.screen.document(sarif_log(result.findings), "json")
        case _:
            app.screen.document(finding_forms(result.findings), app.output)
    errors, warnings = counted(result.count(Level.ERROR), "error"), counted(result.count(Level.WARNING), "warning")
    app.screen.say(f"{errors}, {warnings}" if result.findings else "no problems found")


def _all_lines(findings: Sequence[Finding]) -> Iterator[Line]:
    """Yield all findings; a hint that several share is printed with the first of them."""
    sharing = Counter(finding.hint for finding in findings)
    for finding in findings:
        yield from _lines(finding)
        count = sharing.pop(finding.hint, 0)
        if finding.hint and count:
            yield Line(f"  hint{f' (for {count} findings)' if count > 1 else ''}: {sentence(finding.hint)}", "cyan")


def _lines(finding: Finding) -> Iterator[Line]:
    yield Line(f"{finding.place}: {finding.level}[{finding.rule}]: {finding.message}", _STYLES[finding.level])
    yield from (Line(f"  {line}") for line in finding.details)
