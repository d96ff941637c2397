"""Run the checks of a release, and write what they showed. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.adapters.session import open_session
from bundler.cli.flows.confirm import say_where
from bundler.cli.flows.junit_file import write_reports
from bundler.cli.output.checked import show_checks

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.session.app import App


def carry_out_checks(app: App, release: str, *, site: Path | None, junit: Path | None, lock_timeout_s: float) -> int:
    """Run the checks of a release, show what each came to, and return the exit code.

    Args:
        app: the invocation.
        release: its name.
        site: the site file whose cluster and namespace hold.
        junit: where JUnit XML is written, too.
        lock_timeout_s: seconds to wait for a lock that another run holds.

    Raises:
        OutputError: when the file cannot be written; what the checks showed is printed first.
        BundlerError: when a check cannot be run.
    """
    session = open_session(app)
    policy = session.read_site(site) if site else None
    say_where(app, session, session.scope.namespace(of_site=policy.namespace if policy else ""))
    report = session.test(release, site=policy, lock_timeout_s=lock_timeout_s)
    app.telling.stop()
    code = show_checks(app, report)
    if junit is not None:
        write_reports(junit, [report])
    return code
