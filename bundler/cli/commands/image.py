"""``bundler image``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bundler.cli import flows, output
from bundler.cli.parsing.command import FilePath, verb
from bundler.cli.parsing.registry_options import registry_options

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("image")
@click.argument("doing", metavar="build", type=click.Choice(["build"]))
@click.option("--base", required=True, metavar="IMAGE|oci:DIR|scratch", help="Image to build on.")
@click.option("--add", "additions", multiple=True, metavar="SRC:DST", help="File or folder to add, and its path there.")
@click.option("--to", required=True, metavar="IMAGE|oci:DIR", help="Where the image goes.")
@click.option("--platform", "platforms", multiple=True, metavar="OS/ARCH,…", help="Platforms to build for.")
@click.option("--entrypoint", metavar="COMMAND", help="Program to run: words, or a JSON list.")
@click.option("--cmd", "command", metavar="ARGUMENTS", help="Arguments by default: words, or a JSON list.")
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="Environment variable.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Label.")
@click.option("--user", metavar="UID[:GID]", help="User to run as.")
@click.option("--workdir", metavar="DIR", help="Folder to run in.")
@click.option("--expose", "ports", multiple=True, metavar="PORT[/udp]", help="Port that the program listens on.")
@click.option("--owner", default="0:0", metavar="UID[:GID]", help="Owner of what is added.  [default: 0:0]")
@click.option("--sbom", "sbom_file", type=FilePath(), metavar="FILE", help="Write the SBOM here; else it is attached.")
@click.option("--force", is_flag=True, help="Let a tag that names another image name this one.")
@registry_options
def image_command(app: App, *, doing: str, **options: Any) -> None:
    """Build an image from a base and files of this machine, without Docker.

    What is added is one layer, the same bytes for the same files anywhere; SOURCE_DATE_EPOCH sets its time. An SBOM of
    what is added and of the base's packages is attached. Folders are added without what their .bundleignore leaves out.
    """
    del doing
    built = flows.image.carry_out_build(app, flows.image.ImageFlags(**options))
    app.telling.stop()
    output.built_image.show_built(app, built)
