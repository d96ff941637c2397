"""What the checks of a release have shown, as JSON and as JUnit XML. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict
from xml.sax.saxutils import escape, quoteattr

from bundler.model.check_report import CheckOutcome
from bundler.planning.jobs import job_stem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bundler.model.check_report import CheckReport, CheckRun


class CheckRunForm(TypedDict):
    """One check."""

    object: str
    """Group, kind, namespace and name of its Job: `batch/Job/shop/shop-smoke-0a1b2c3d`."""
    component: str
    """Path of the component whose check it is; empty for the bundle itself."""
    source: str
    """File and line of the template."""
    outcome: Literal["passed", "failed", "skipped"]
    """`skipped`: there was no time left for it."""
    seconds: float
    lines: list[str]
    """Of one that failed: its container, exit code, attempts and the last lines of its log."""


class CheckReportForm(TypedDict):
    """The checks of a release."""

    release: str
    namespace: str
    revision: int
    passed: bool
    checks: list[CheckRunForm]


def check_report_form(report: CheckReport) -> CheckReportForm:
    """Return what the checks of a release have shown."""
    return {
        "release": report.revision.release,
        "namespace": report.revision.namespace,
        "revision": report.revision.revision,
        "passed": not report.has_failed,
        "checks": [_run_form(run) for run in report.runs],
    }


def _run_form(run: CheckRun) -> CheckRunForm:
    return {
        "object": str(run.ref),
        "component": run.component,
        "source": run.source,
        "outcome": run.outcome.value,
        "seconds": round(run.seconds, 3),
        "lines": list(run.lines),
    }


def junit_xml(report: CheckReport) -> str:
    """Return the same as JUnit XML, as pipelines read it. Source: the JUnit schema of Jenkins' xUnit plugin."""
    return "\n".join(('<?xml version="1.0" encoding="UTF-8"?>', *_suite(report), ""))


def _suite(report: CheckReport) -> Iterator[str]:
    summary = report.revision
    counts = {
        "name": summary.release,
        "tests": len(report.runs),
        "failures": report.count(CheckOutcome.FAILED),
        "errors": 0,
        "skipped": report.count(CheckOutcome.SKIPPED),
        "time": f"{sum(run.seconds for run in report.runs):.3f}",
        "timestamp": f"{report.began:%Y-%m-%dT%H:%M:%S}",
        "hostname": summary.namespace,
    }
    yield "<testsuites>"
    yield f"  <testsuite {_attributes(counts)}>"
    for run in report.runs:
        yield from _case(run, summary.bundle.name)
    yield "  </testsuite>"
    yield "</testsuites>"


def _case(run: CheckRun, bundle: str) -> Iterator[str]:
    of = ".".join(filter(None, (bundle, *run.component.split("/"))))
    names = {
        "classname": of,
        "name": job_stem(run.ref.name) or run.ref.name,
        "file": run.source,
        "time": f"{run.seconds:.3f}",
    }
    if run.outcome is CheckOutcome.PASSED:
        yield f"    <testcase {_attributes(names)}/>"
        return
    kind = "failure" if run.outcome is CheckOutcome.FAILED else "skipped"
    said = {"message": run.lines[0] if run.lines else str(run.outcome)}
    yield f"    <testcase {_attributes(names)}>"
    yield f"      <{kind} {_attributes(said)}>{escape(_printable(chr(10).join(run.lines)))}</{kind}>"
    yield "    </testcase>"


def _attributes(values: Mapping[str, object]) -> str:
    return " ".join(f"{name}={quoteattr(_printable(str(value)))}" for name, value in values.items())


def _printable(text: str) -> str:
    """Leave out what XML cannot hold: control characters of logs."""
    return "".join(letter for letter in text if letter in "\t\n" or (letter >= " " and letter not in "\ufffe\uffff"))
