"""``bundler pull``. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.actions.pull import pull
from bundler.cli.options import registry_options
from bundler.cli.output.text import Line, counted
from bundler.cli.publishing import make_fetcher
from bundler.cli.verb import verb

if TYPE_CHECKING:
    from bundler.cli.invocation import App


@verb("pull")
@click.argument("address", metavar="oci://HOST/REPOSITORY[:VERSION]")
@click.option("--version", "accepts", default="", metavar="RANGE", help='Highest version in this range: ">=1.2 <2".')
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path(), metavar="FILE", help="File or folder.  [default: .]"
)
@registry_options
def pull_command(app: App, address: str, accepts: str, out: Path) -> None:
    """Fetch a bundle as NAME-VERSION.tgz, and its signature beside it where there is one.

    Without a version: the highest release.
    """
    pulled = pull(make_fetcher(app), address, out, accepts=accepts)
    if app.output == "text":
        signed = f", {counted(pulled.signatures, 'signature')}" if pulled.signatures else ""
        app.screen.lines([Line(f"{pulled.path}  {pulled.digest}{signed}")])
    else:
        app.screen.document(
            {
                "path": str(pulled.path),
                "address": str(pulled.address),
                "digest": pulled.digest,
                "signatures": pulled.signatures,
            },
            app.output,
        )
