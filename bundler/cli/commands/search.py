"""``bundler search``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import library
from bundler.cli.adapters.session import named_site, open_session
from bundler.cli.adapters.signing_keys import policy_for
from bundler.cli.output.found import show_found
from bundler.cli.parsing.bundle_options import bundle_limit_options
from bundler.cli.parsing.command import FilePath, verb
from bundler.cli.parsing.registry_options import offline_option, registry_options
from bundler.cli.parsing.signing_options import public_keys_option

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.session.app import App


@verb("search")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option("--catalogue", "catalogues", multiple=True, metavar="oci://...", help="Search this catalogue as well.")
@public_keys_option
@click.option("--site", type=FilePath(), metavar="FILE", help="Site file: catalogues, keys and policy.")
@registry_options
@offline_option
@bundle_limit_options
def search_command(
    app: App, *, words: tuple[str, ...], catalogues: tuple[str, ...], keys: tuple[Path, ...], site: Path | None
) -> None:
    """Find bundles by words in their names, keywords and descriptions; without words: list all.

    Searched are the folders of BUNDLER_BUNDLE_PATH, the bundles shipped with bundler, and the catalogues of
    BUNDLER_CATALOGUES and the site file; with --offline the local ones alone. A name leads to the first place in this
    order that has it; catalogues that have the same name have to mean the same bundle.
    """
    session = open_session(app)
    place = named_site(session, site)
    with session.scope.calling():
        result = library.catalogues.search(
            session.scope, words, catalogues=catalogues, site=place, policy=policy_for(place, keys)
        )
    show_found(app, result, words)
