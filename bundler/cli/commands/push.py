"""``bundler push``. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler import library
from bundler.actions.acquire.fetch import parse_address
from bundler.actions.acquire.push import push
from bundler.archive.writer import pack_files
from bundler.cli.adapters.session import open_session
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.limit_options import bundle_limit_options
from bundler.cli.parsing.registry_options import registry_options
from bundler.cli.terminal.text import Line
from bundler.errors.bundle import ArchiveError
from bundler.loader.locate import ARCHIVE_SUFFIX
from bundler.wire.bundles import pushed_form

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.model.bundle import Bundle


@verb("push")
@bundle_argument
@click.argument("address", metavar="oci://HOST/REPOSITORY")
@registry_options
@bundle_limit_options
def push_command(app: App, bundle: str, address: str) -> None:
    """Publish BUNDLE, a folder or a .tgz, under its version.

    A published version never changes: pushing the same bundle again does nothing, another one is refused. A signature
    beside a .tgz (NAME-VERSION.tgz.sig) is attached to it.
    """
    session = open_session(app)
    place = parse_address(address, doing=f"pushing to {address}")
    loaded = session.acquire(bundle).bundle
    archive, signature = _archive(bundle, loaded, mtime=app.settings.environment.archive_time_s)
    result = push(
        library.registries.open_registry(session.scope, is_writing=True), loaded, archive, place, signature=signature
    )
    if app.output == "text":
        did = "pushed" if result.is_new else "was published already, the same bundle:"
        signed = ", signed" if result.signatures else ""
        app.screen.lines([Line(f"{did} {result.address}{signed}")])
    else:
        app.screen.document(pushed_form(result, loaded), app.output)


def _archive(name: str, bundle: Bundle, *, mtime: int) -> tuple[bytes, bytes | None]:
    """Return a bundle's .tgz, packing a folder first, and the signature next to it if there is one."""
    path = Path(name).expanduser()
    if not name.endswith(ARCHIVE_SUFFIX) or not path.is_file():
        return pack_files(bundle.files.values(), top=bundle.metadata.name, mtime=mtime), None
    beside = path.with_name(f"{path.name}.sig")
    try:
        return path.read_bytes(), beside.read_bytes() if beside.is_file() else None
    except OSError as error:
        found = [f"{error.filename}: {error.strerror or error}"]
        raise ArchiveError(f"reading {name}", context=found, hint="check the permissions") from error
