"""``bundler pull``. Layer: cli."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bundler import library
from bundler.actions.acquire.bundle import judge
from bundler.actions.acquire.catalogues import Recorded
from bundler.actions.acquire.pull import pull
from bundler.cli.adapters.session import named_site, open_session
from bundler.cli.adapters.signing_keys import policy_for
from bundler.cli.parsing.bundle_options import fetch_options
from bundler.cli.parsing.command import FilePath, verb
from bundler.cli.parsing.signing_options import public_keys_option
from bundler.cli.terminal.text import Line
from bundler.model.size import counted
from bundler.wire.bundles import pulled_form

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bundler.cli.session.app import App
    from bundler.model.bundle import Bundle
    from bundler.model.trust import Envelope


@verb("pull")
@click.argument("address", metavar="oci://HOST/REPOSITORY[:VERSION]|NAME[@VERSION]")
@click.option("--version", "accepts", default="", metavar="RANGE", help='Highest version in this range: ">=1.2 <2".')
@click.option("--out", type=FilePath(), default=Path(), metavar="FILE", help="File or folder.  [default: .]")
@public_keys_option
@click.option("--site", type=FilePath(), metavar="FILE", help="Site file: keys and policy.")
@fetch_options
def pull_command(app: App, *, address: str, accepts: str, out: Path, keys: tuple[Path, ...], site: Path | None) -> None:
    """Fetch a bundle as NAME-VERSION.tgz, and its signature beside it where there is one.

    A name is looked up in the catalogues of BUNDLER_CATALOGUES and the site file. Without a version: the highest
    release. With --key or --site nothing is written that is not signed as they ask.
    """
    session = open_session(app)
    place = named_site(session, site)
    policy = policy_for(place, keys)
    sources = library.bundles.sources_of(session.scope)
    found = library.catalogues.find_published(session.scope, _named(address, accepts), place, policy)

    def judged(bundle: Bundle, signatures: Callable[[], Sequence[Envelope]]) -> object:
        if isinstance(found, Recorded):
            found.check(bundle)
        return judge(bundle, signatures, policy, sources)

    at = found.address if isinstance(found, Recorded) else found
    pulled = pull(sources.fetcher(), at, out, accepts=accepts, judge=judged)
    signed = f", {counted(pulled.signatures, 'signature')}" if pulled.signatures else ""
    app.show(pulled_form(pulled), [Line(f"{pulled.path}  {pulled.digest}{signed}")])


def _named(address: str, accepts: str) -> str:
    """Return a bundle that is named, alone or in a catalogue, with the version that is asked for."""
    _, in_catalogue, name = address.rpartition("#")
    if not accepts or (address.startswith("oci://") and not in_catalogue):
        return address
    if "@" in name:
        raise click.UsageError(f"{address} names a version, and --version another one")
    return f"{address}@{accepts}"
