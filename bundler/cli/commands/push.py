"""``bundler push``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import library
from bundler.actions.acquire.fetch import parse_address
from bundler.actions.acquire.packed import packed
from bundler.actions.acquire.push import push
from bundler.cli.adapters.session import open_session
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.bundle_options import fetch_options
from bundler.cli.parsing.command import verb
from bundler.cli.terminal.text import Line
from bundler.wire.bundles import pushed_form

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("push")
@bundle_argument
@click.argument("address", metavar="oci://HOST/REPOSITORY")
@fetch_options
def push_command(app: App, bundle: str, address: str) -> None:
    """Publish BUNDLE, a folder or a .tgz, under its version.

    A published version never changes: pushing the same bundle again does nothing, another one is refused. A signature
    beside a .tgz (NAME-VERSION.tgz.sig) is attached to it.
    """
    session = open_session(app)
    place = parse_address(address, doing=f"pushing to {address}")
    loaded = session.acquire(bundle).bundle
    sent = packed(bundle, loaded, mtime=app.settings.environment.archive_time_s)
    registry = library.registries.open_registry(session.scope, is_writing=True)
    result = push(registry, loaded, sent.archive, place, signature=sent.signature)
    did = "pushed" if result.is_new else "was published already, the same bundle:"
    signed = ", signed" if result.signatures else ""
    app.show(pushed_form(result, loaded), [Line(f"{did} {result.address}{signed}")])
