"""``bundler lint``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.adapters.session import open_session
from bundler.cli.output.findings import show_findings
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.bundle_options import fetch_options
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.values_options import values_options
from bundler.model.finding import Level

if TYPE_CHECKING:
    from bundler import Values
    from bundler.cli.session.app import App


@verb("lint", outputs=("text", "json", "yaml", "sarif"))
@bundle_argument
@values_options()
@fetch_options
@click.option("--strict", is_flag=True, help="Fail on warnings, too.")
@click.option("--write-reach", is_flag=True, help="Declare in bundle.yaml what the bundle reaches, first.")
def lint_command(app: App, bundle: str, values: Values, strict: bool, write_reach: bool) -> int:
    """Find everything that is wrong with BUNDLE, all at once, with file and line.

    Give values where the bundle cannot be rendered without.
    """
    session = open_session(app)
    if write_reach:
        added = session.declare_reach(bundle, values)
        lists = "; ".join(f"{key}: {', '.join(names)}" for key, names in added.items())
        app.screen.say(f"bundle.yaml: reach added, {lists}" if added else "bundle.yaml declares all that it reaches")
    result = session.lint(bundle, values)
    show_findings(app, result)
    return int(result.count(Level.ERROR) > 0 or (strict and result.count(Level.WARNING) > 0))
