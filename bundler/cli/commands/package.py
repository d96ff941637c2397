"""``bundler package``. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler.actions.acquire.trust import is_signed, signature_path
from bundler.actions.delivery.sign import sign_archive
from bundler.archive.writer import archive_name, write_archive
from bundler.cli.adapters.session import open_session
from bundler.cli.adapters.signing_keys import open_signer
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.bundle_options import fetch_options
from bundler.cli.parsing.command import FilePath, verb
from bundler.cli.parsing.signing_options import passphrase_option
from bundler.cli.terminal.text import Line
from bundler.wire.bundles import packaged_form

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("package")
@bundle_argument
@fetch_options
@click.option("--out", type=FilePath(), metavar="FILE", help="File or folder.  [default: NAME-VERSION.tgz]")
@click.option("--key", type=FilePath(), metavar="FILE", help="Private key to sign with.")
@passphrase_option
def package_command(app: App, bundle: str, *, out: Path | None, key: Path | None, passphrase_file: Path | None) -> None:
    """Pack BUNDLE and its components into one archive: the same bytes for the same files, anywhere.

    SOURCE_DATE_EPOCH sets the time of its entries. With --key, its signature is beside it: NAME-VERSION.tgz.sig.
    """
    signer = open_signer(app, key, passphrase_file) if key else None
    loaded = open_session(app).acquire(bundle).bundle
    written = write_archive(loaded, out or Path(archive_name(loaded)), mtime=app.settings.environment.archive_time_s)
    if signer is not None:
        sign_archive(written.path, signer, limits=app.limits)
    elif signature_path(written.path).exists() and not is_signed(loaded, written.path):
        app.screen.warn(f"{signature_path(written.path)} is not a signature of what was packed now; sign it again")
    app.show(packaged_form(written, loaded), [Line(f"{written.path}  sha256:{written.sha256}  {loaded.digest}")])
