"""What the checks of a release have shown, as JSON and as JUnit XML. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypedDict

from bundler.model.check_report import CheckOutcome
from bundler.planning.jobs import job_stem
from bundler.wire.junit import JUnitCase, junit_document, junit_suite

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bundler.model.check_report import CheckReport, CheckRun

_JUNIT_OUTCOMES: Final[Mapping[CheckOutcome, Literal["", "failure", "skipped"]]] = {
    CheckOutcome.PASSED: "",
    CheckOutcome.FAILED: "failure",
    CheckOutcome.SKIPPED: "skipped",
}


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
    """Return the same as JUnit XML, as pipelines read it."""
    summary = report.revision
    cases = [_case(run, summary.bundle.name) for run in report.runs]
    more = {"timestamp": f"{report.began:%Y-%m-%dT%H:%M:%S}", "hostname": summary.namespace}
    return junit_document(("<testsuites>", *junit_suite(summary.release, cases, more), "</testsuites>"))


def _case(run: CheckRun, bundle: str) -> JUnitCase:
    return JUnitCase(
        name=job_stem(run.ref.name) or run.ref.name,
        classname=".".join(filter(None, (bundle, *run.component.split("/")))),
        file=run.source,
        seconds=run.seconds,
        outcome=_JUNIT_OUTCOMES[run.outcome],
        lines=run.lines,
    )
