"""What ``bundler lint`` prints. Layer: cli."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bundler._version import __version__
from bundler.cli.terminal.text import Line
from bundler.model.finding import Level
from bundler.model.size import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bundler.cli.session.app import App
    from bundler.model.finding import Finding, LintResult
    from bundler.model.json import Body

_STYLES = {Level.ERROR: "red", Level.WARNING: "yellow"}


def show_findings(app: App, result: LintResult) -> None:
    """Print findings in the form that -o asks for, and how many there are on stderr."""
    match app.output:
        case "text":
            app.screen.lines(_all_lines(result.findings))
        case "sarif":
            app.screen.document(_sarif(result), "json")
        case _:
            app.screen.document([_data(finding) for finding in result.findings], app.output)
    errors, warnings = counted(result.count(Level.ERROR), "error"), counted(result.count(Level.WARNING), "warning")
    app.screen.say(f"{errors}, {warnings}" if result.findings else "no problems found")


def _all_lines(findings: Sequence[Finding]) -> Iterator[Line]:
    """Yield all findings; a hint that several share is printed with the first of them."""
    sharing = Counter(finding.hint for finding in findings)
    for finding in findings:
        yield from _lines(finding)
        count = sharing.pop(finding.hint, 0)
        if finding.hint and count:
            yield Line(f"  hint{f' (for {count} findings)' if count > 1 else ''}: {finding.hint}", "cyan")


def _lines(finding: Finding) -> Iterator[Line]:
    yield Line(f"{finding.place}: {finding.level}[{finding.rule}]: {finding.message}", _STYLES[finding.level])
    yield from (Line(f"  {line}") for line in finding.details)


def _data(finding: Finding) -> Body:
    return {
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "level": finding.level.value,
        "rule": finding.rule,
        "message": finding.message,
        "details": list(finding.details),
        "hint": finding.hint,
    }


def _sarif(result: LintResult) -> Body:
    """Source: docs.oasis-open.org/sarif/sarif/v2.1.0, sections 3.13 to 3.30."""
    rules = sorted({finding.rule for finding in result.findings})
    driver: Body = {"name": "bundler", "version": __version__, "rules": [{"id": rule} for rule in rules]}
    run: Body = {"tool": {"driver": driver}, "results": [_sarif_result(finding) for finding in result.findings]}
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _sarif_result(finding: Finding) -> Body:
    text = finding.message + (f" ({finding.hint})" if finding.hint else "")
    place: dict[str, Body] = {"artifactLocation": {"uri": finding.file or "bundle.yaml"}}
    if finding.line:
        place["region"] = {
            "startLine": finding.line,
            **({"startColumn": finding.column} if finding.column else {}),
        }
    return {
        "ruleId": finding.rule,
        "level": finding.level.value,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }
