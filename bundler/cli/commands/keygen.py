"""``bundler keygen``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from bundler import signing
from bundler.cli.adapters.signing_keys import passphrase_of
from bundler.cli.parsing.command import FilePath, verb
from bundler.cli.parsing.signing_options import passphrase_option
from bundler.cli.terminal.text import Line
from bundler.errors import UsageError
from bundler.wire.deliveries import key_pair_form

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.session.app import App

PUBLIC_SUFFIX: Final = ".pub"


@verb("keygen")
@click.argument("name")
@click.option("--out", type=FilePath(), metavar="FILE", required=True, help="File of the private key.")
@passphrase_option
def keygen_command(app: App, name: str, out: Path, passphrase_file: Path | None) -> None:
    """Make a pair of keys to sign with; NAME says whose it is ("acme release 2026").

    The private key goes to FILE, which only you can read; the public one beside it, with .pub at its end.
    """
    if out.suffix == PUBLIC_SUFFIX:
        found = f"{out} ends as public keys do, and would be handed out as one"
        raise UsageError("reading --out", context=[found], hint=f"name the private file: --out {out.stem}.key")
    is_asked = passphrase_file is not None or app.may_ask
    passphrase = passphrase_of(app, passphrase_file, "passphrase (empty: none)", is_new=True) if is_asked else ""
    public = out.with_name(out.name.removesuffix(".key") + PUBLIC_SUFFIX)
    pair = signing.keys.generate_key(name)
    signing.keys.write_pair(pair, out, public, passphrase=passphrase)
    lines = [Line(f"{out}  private, keep it to yourself"), Line(f"{public}  {pair.key.shown}")]
    app.show(key_pair_form(out, public, pair.key), lines)
