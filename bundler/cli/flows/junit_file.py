"""What the checks of a run showed, as a file for pipelines. Layer: cli."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import click

from bundler import wire
from bundler.errors import BundlerError, OutputError
from bundler.files.whole_file import write_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from bundler.cli.session.app import App
    from bundler.model.check_report import CheckReport

TakesChecks: TypeAlias = "Callable[[CheckReport], None]"


def require_test(junit: Path | None, *, runs_checks: bool) -> None:
    """Refuse a file for what checks show where none are run.

    Raises:
        click.UsageError: with what to add.
    """
    if junit is not None and not runs_checks:
        raise click.UsageError("--junit FILE is for what the checks of --test show; give --test, too")


@contextmanager
def writing_junit(app: App, junit: Path | None) -> Iterator[TakesChecks | None]:
    """Yield what takes the report of the checks of a run; it is written as JUnit XML when the run ends, well or not.

    Args:
        app: the invocation.
        junit: where to; None: nowhere.

    Raises:
        OutputError: when the file cannot be written; after a run that failed that is a warning, and its error counts.
    """
    if junit is None:
        yield None
        return
    reports: list[CheckReport] = []
    try:
        yield reports.append
    except BundlerError:
        try:
            write_reports(junit, reports)
        except OutputError as error:
            app.screen.warn(f"{error}: {'; '.join(error.context)}")
        raise
    write_reports(junit, reports)


def write_reports(junit: Path, reports: Iterable[CheckReport]) -> None:
    """Write what checks showed as JUnit XML.

    Raises:
        OutputError: when the file cannot be written.
    """
    for report in reports:
        write_output(junit, wire.checked.junit_xml(report).encode())
