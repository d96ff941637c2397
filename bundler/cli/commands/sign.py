"""``bundler sign``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.actions.acquire.bundle import is_delivery
from bundler.actions.delivery.sign import sign_archive, sign_catalogue, sign_delivery, sign_plan
from bundler.cli.adapters.signing_keys import open_signer
from bundler.cli.parsing.bundle_options import bundle_limit_options
from bundler.cli.parsing.command import FilePath, verb
from bundler.cli.parsing.signing_options import passphrase_option, signing_key_option
from bundler.cli.terminal.text import Line
from bundler.files.plan_bytes import is_plan_file
from bundler.wire.deliveries import signed_form

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.session.app import App
    from bundler.model.digest import Digest
    from bundler.ports import Signer


@verb("sign")
@click.argument("files", nargs=-1, required=True, type=FilePath(), metavar="FILE...")
@signing_key_option
@passphrase_option
@bundle_limit_options
def sign_command(app: App, files: tuple[Path, ...], key: Path, passphrase_file: Path | None) -> None:
    """Sign a delivery in its place, a bundle's .tgz, a catalogue's .json or a saved plan by a .sig file beside it.

    Signatures by other keys stay. A delivery in parts is named by one of them.
    """
    signer = open_signer(app, key, passphrase_file)
    if is_delivery(str(files[0])):
        digests = {str(files[0]): sign_delivery(files, signer)}
    else:
        digests = {str(file): _signed(app, file, signer) for file in files}
    lines = [Line(f"{file}  {digest}, signed by {signer.key.shown}") for file, digest in digests.items()]
    app.show(signed_form(digests, signer.key), lines)


def _signed(app: App, file: Path, signer: Signer) -> Digest:
    if is_plan_file(file):
        return sign_plan(file, signer)
    return sign_catalogue(file, signer) if file.suffix == ".json" else sign_archive(file, signer, limits=app.limits)
