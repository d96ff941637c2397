"""Build and publish catalogues. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler import library
from bundler.actions.acquire.build_catalogue import push_catalogue
from bundler.actions.acquire.catalogues import read_catalogue
from bundler.actions.acquire.fetch import parse_address
from bundler.actions.acquire.trust import signature_path
from bundler.actions.delivery.sign import sign_catalogue
from bundler.catalogue.document import encode_catalogue
from bundler.cli.adapters.session import open_session
from bundler.cli.adapters.signing_keys import open_signer
from bundler.cli.terminal.text import Line
from bundler.files.whole_file import write_output
from bundler.model.digest import digest_of
from bundler.model.lean import dataclass
from bundler.model.results import CatalogueBuilt
from bundler.model.size import counted
from bundler.wire.catalogues import built_form, catalogue_pushed_form

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bundler.cli.session.app import App
    from bundler.ports import Signer


CATALOGUE_FILE: Final = "catalogue.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildWish:
    """What the command line says of a catalogue to build."""

    at: str
    out: Path
    site: Path | None = None
    key: Path | None = None
    passphrase_file: Path | None = None


def build(app: App, sources: Sequence[str], wish: BuildWish) -> None:
    """Write a catalogue, signed where a key is named.

    Args:
        app: the running command: its settings, output and clock.
        sources: bundles, in folders, archives and repositories.
        wish: where to, and who signs it.

    Raises:
        BundlerError: when a bundle cannot be had, or the file not be written.
    """
    signer = open_signer(app, wish.key, wish.passphrase_file) if wish.key else None
    scope = open_session(app).scope
    catalogue = library.catalogues.build(scope, sources, at=wish.at, site=wish.site)
    content = encode_catalogue(catalogue)
    out = wish.out / CATALOGUE_FILE if wish.out.is_dir() else wish.out
    _write(app, out, content, signer)
    built = CatalogueBuilt(
        path=out,
        digest=digest_of(content),
        bundles=len(catalogue.bundles),
        versions=sum(len(one.versions) for one in catalogue.bundles),
        is_signed=signer is not None,
    )
    signed = f", signed by {signer.key.shown}" if signer else ""
    line = f"{built.path}  {_counts(built.bundles, built.versions)}, {built.digest}{signed}"
    app.show(built_form(built), [Line(line)])


def push(app: App, path: Path, address: str) -> None:
    """Publish a catalogue, and the signature beside it.

    Args:
        app: the running command: its settings, output and clock.
        path: of the catalogue.
        address: where to.

    Raises:
        BundlerError: when it is not a catalogue, or cannot be published.
    """
    place = parse_address(address, doing=f"pushing to {address}")
    content = read_catalogue(path)
    signature = signature_path(path)
    registry = library.registries.open_registry(open_session(app).scope, is_writing=True)
    pushed = push_catalogue(registry, content, place, signature=signature.read_bytes() if signature.is_file() else None)
    did = "pushed" if pushed.is_new else "was published already, the same catalogue:"
    signed = ", signed" if pushed.signatures else ""
    line = f"{did} {pushed.address}, {_counts(pushed.bundles, pushed.versions)}{signed}"
    app.show(catalogue_pushed_form(pushed), [Line(line)])


def _write(app: App, out: Path, content: bytes, signer: Signer | None) -> None:
    """Write a catalogue and its signature; one that is there of another catalogue would make the new one useless."""
    write_output(out, content)
    if signer is not None:
        sign_catalogue(out, signer)
    elif signature_path(out).exists():
        app.screen.warn(
            f"{signature_path(out)} may be the signature of another catalogue; sign this one with `bundler sign`"
        )


def _counts(bundles: int, versions: int) -> str:
    return f"{counted(bundles, 'bundle')}, {counted(versions, 'version')}"
