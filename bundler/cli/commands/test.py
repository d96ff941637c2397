"""``bundler test``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.adapters.session import named_site, open_session
from bundler.cli.flows.confirm import say_where
from bundler.cli.flows.junit_file import write_reports
from bundler.cli.output.checked import show_checks
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.change_options import lock_timeout_option, policy_option
from bundler.cli.parsing.command import FilePath, verb

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.session.app import App


@verb("test")
@release_argument
@click.option("--junit", type=FilePath(), metavar="FILE", help="Write the result as JUnit XML, for a pipeline.")
@policy_option
@lock_timeout_option
def test_command(app: App, *, release: str, junit: Path | None, site_file: Path | None, lock_timeout_s: float) -> int:
    """Run the checks of RELEASE in the cluster: the Jobs that its bundle has in checks/.

    They are those of the deployed revision, from its record; the bundle is not needed. They run one after the other,
    and all of them, under the lock of the release. Exits with 1 when one failed.
    """
    session = open_session(app)
    site = named_site(session, site_file)
    say_where(app, session, session.scope.namespace(of_site=site.namespace if site else ""))
    report = session.test(release, site=site, lock_timeout_s=lock_timeout_s)
    app.telling.stop()
    code = show_checks(app, report)
    if junit is not None:
        write_reports(junit, [report])
    return code
