"""``bundler support-bundle``. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.cli.adapters.session import open_session
from bundler.cli.output.support import show_support
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import FilePath, verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("support-bundle")
@release_argument
@click.option(
    "--out", type=FilePath(), default=Path(), metavar="FILE", help="File or folder.  [default: RELEASE-support.tgz]"
)
@click.option(
    "--tail", type=click.IntRange(min=0, max=100_000), default=500, show_default=True, help="Log lines of a container."
)
def support_bundle_command(app: App, release: str, *, out: Path, tail: int) -> None:
    """Gather what helps to find out what is wrong with RELEASE into one file, to carry it elsewhere.

    Status, history, the recorded plan, drift, events, the last log lines, pods, nodes and versions; nothing is changed.
    Sensitive values are masked, Secrets have no data. What cannot be read is left out: index.json in the file says
    what, and why.
    """
    show_support(app, open_session(app).support_bundle(release, out, tail_lines=tail))
