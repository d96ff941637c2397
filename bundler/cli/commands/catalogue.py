"""``bundler catalogue``. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.cli.flows.catalogue import BuildWish, build, push
from bundler.cli.parsing.bundle_options import fetch_options
from bundler.cli.parsing.command import FilePath, gathered, verb
from bundler.cli.parsing.signing_options import passphrase_option

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("catalogue")
@click.argument("doing", type=click.Choice(["build", "push"]))
@click.argument("words", nargs=-1, required=True, metavar="SOURCE...|FILE oci://HOST/REPOSITORY")
@click.option("--at", default="", metavar="oci://HOST/PREFIX", help="For build: bundles of folders are at PREFIX/NAME.")
@click.option(
    "--out",
    type=FilePath(),
    default=Path("catalogue.json"),
    metavar="FILE",
    help="For build.  [default: catalogue.json]",
)
@click.option("--key", type=FilePath(), metavar="FILE", help="For build: private key to sign with.")
@passphrase_option
@click.option("--site", type=FilePath(), metavar="FILE", help="For build: policy that bundles have to meet.")
@fetch_options
@gathered("wish", BuildWish)
def catalogue_command(app: App, *, doing: str, words: tuple[str, ...], wish: BuildWish) -> None:
    """List bundles of a registry in a catalogue, so that they are found and installed by name.

    build SOURCE...: write FILE with names, versions, descriptions and digests of the bundles in folders and archives,
    or in repositories (oci://HOST/REPOSITORY, with all versions). With --key, its signature is beside it.

    push FILE oci://HOST/REPOSITORY[:TAG]: publish it, and its signature, once everything in it is published there.
    """
    if doing == "build":
        build(app, words, wish)
    elif len(words) == 2:
        push(app, Path(words[0]), words[1])
    else:
        raise click.UsageError(f"catalogue push takes a file and an address, not {len(words)} words")
