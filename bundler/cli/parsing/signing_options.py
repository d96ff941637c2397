"""Options that name keys. Layer: cli."""

from __future__ import annotations

import click

from bundler.cli.parsing.command import FilePath

public_keys_option = click.option(
    "--key", "keys", type=FilePath(), multiple=True, metavar="FILE", help="Public key to trust."
)
signing_key_option = click.option(
    "--key", type=FilePath(), required=True, metavar="FILE", help="Private key to sign with."
)
passphrase_option = click.option(
    "--passphrase-file",
    type=FilePath(),
    metavar="FILE",
    help="File whose first line is the passphrase.",
)
