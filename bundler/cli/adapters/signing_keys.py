"""Keys that a command line names. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import signing
from bundler.errors.delivery import KeyFileError
from bundler.model.lean import replace
from bundler.model.trust import TrustPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bundler.cli.session.app import App
    from bundler.model.site import Site
    from bundler.ports import Signer

_HINT = "name it with --passphrase-file, or run this on a terminal"


def policy_for(site: Site | None, keys: Sequence[Path]) -> TrustPolicy:
    """Return whom a run trusts: the keys that it names, else those of the site file.

    Raises:
        KeyFileError: when a public key cannot be read.
    """
    trust = site.trust if site else TrustPolicy()
    if not keys:
        return trust
    named = tuple(signing.keys.read_public(path) for path in keys)
    return replace(trust, keys=named, source=" ".join(f"--key {path}" for path in keys))


def open_signer(app: App, key: Path, passphrase_file: Path | None) -> Signer:
    """Return what signs with a private key; a passphrase is asked for where it has one.

    Args:
        app: the running command: its settings, output and clock.
        key: file of the private key.
        passphrase_file: None asks on the terminal.

    Raises:
        KeyFileError: when the key cannot be used.
    """
    return signing.sign.KeySigner(
        signing.keys.read_private(key, lambda: passphrase_of(app, passphrase_file, f"passphrase of {key}"))
    )


def passphrase_of(app: App, file: Path | None, question: str, *, is_new: bool = False) -> str:
    """Return a passphrase, from a file or from the person at the terminal; it is masked from now on.

    Args:
        app: the running command: its settings, output and clock.
        file: whose first line it is; None asks.
        question: what is asked for, for the prompt.
        is_new: ask twice.

    Raises:
        KeyFileError: when there is none to be had.
    """
    if file is not None:
        try:
            text = file.read_text("utf-8").split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            doing = f"reading passphrase file {file}"
            found = f"{file}: {error.strerror if isinstance(error, OSError) else 'it is not text in UTF-8'}"
            hint = "check the path, its permissions, and that it is text"
            raise KeyFileError(doing, context=[found], hint=hint) from error
        if not text:
            found = f"the first line of {file} is empty"
            hint = "write the passphrase there; without --passphrase-file a key has none"
            raise KeyFileError(f"reading passphrase file {file}", context=[found], hint=hint)
    elif app.may_ask:
        text = click.prompt(
            question, hide_input=True, err=True, default="", show_default=False, confirmation_prompt=is_new
        )
    else:
        raise KeyFileError(f"asking for the {question}", context=["there is no terminal to ask on"], hint=_HINT)
    if text:
        app.redactor.learn(text)
    return text
