"""``bundler site``. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.cli.flows.site import SiteOptions, check_file, write_file
from bundler.cli.parsing.command import FilePath, gathered, verb
from bundler.cli.parsing.registry_options import offline_option, registry_options

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("site")
@click.argument("doing", type=click.Choice(["init", "check"]))
@click.argument("target", metavar="NAME|FILE")
@click.option("--registry", default="", metavar="HOST/PREFIX", help="For init: registry that images are imported to.")
@click.option("--pull-secret", default="", metavar="NAME", help="For init: Secret with which pods pull images.")
@click.option("--domain", default="", help="For init: parent domain of host names.")
@click.option(
    "--key",
    "keys",
    type=FilePath(),
    multiple=True,
    metavar="FILE",
    help="For init: public key to trust.",
)
@click.option("--out", type=FilePath(), metavar="FILE", help="For init.  [default: NAME.yaml]")
@click.option("--force", is_flag=True, help="For init: overwrite an existing file.")
@registry_options
@offline_option
@gathered("options", SiteOptions)
def site_command(app: App, *, doing: str, target: str, out: Path | None, force: bool, options: SiteOptions) -> int:
    """Write or check a site file.

    init NAME: ask the cluster, and write a site file with what it says. check FILE: check a site file against its
    cluster and its registry.
    """
    if doing == "check":
        return check_file(app, Path(target))
    return write_file(app, target, options, out=out or Path(f"{target}.yaml"), is_forced=force)
