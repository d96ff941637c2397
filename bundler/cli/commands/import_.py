"""``bundler import``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

import bundler.delivery
from bundler import library
from bundler.actions import delivery
from bundler.actions.acquire.delivered_here import bring_bundle
from bundler.cli import output
from bundler.cli.adapters.session import open_session
from bundler.cli.adapters.signing_keys import policy_for
from bundler.cli.adapters.site_registry import place_of
from bundler.cli.parsing.command import FilePath, verb
from bundler.cli.parsing.registry_options import offline_option, registry_options
from bundler.cli.parsing.signing_options import public_keys_option
from bundler.model.lean import replace

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.session.app import App


@verb("import")
@click.argument("files", nargs=-1, required=True, type=FilePath(), metavar="FILE...")
@click.option("--registry", default="", metavar="HOST/PREFIX", help="Registry to import to. [default: that of --site]")
@click.option("--site", "site_file", type=FilePath(), metavar="FILE", help="Site file.")
@click.option("--base", "bases", type=FilePath(), multiple=True, metavar="FILE", help="What a delta builds on.")
@click.option("--recheck", is_flag=True, help="Read a byte of every blob that exists, not of one per image.")
@click.option("--no-bundle", is_flag=True, help="Bring the images alone.")
@public_keys_option
@registry_options
@offline_option
def import_command(
    app: App,
    files: tuple[Path, ...],
    *,
    registry: str,
    site_file: Path | None,
    bases: tuple[Path, ...],
    keys: tuple[Path, ...],
    recheck: bool,
    no_bundle: bool,
) -> None:
    """Bring the images of a delivery, its FILE or its parts, and its bundle into a registry.

    The bundle goes to oci://HOST/PREFIX/bundles/NAME, with what the delivery says of its images and who signed that: it
    can be ordered from there, and installed with --site as from the file. The file is only read.

    What the registry holds is skipped, what it has lost since is brought again: a run
    that was cut short is simply run again.
    """
    scope = open_session(app).scope
    site = library.bundles.read_site(scope, site_file)
    place = place_of(registry, site)
    trusted = library.bundles.open_delivery(scope, files, policy_for(site, keys))
    opened = tuple(app.closing.enter_context(bundler.delivery.reader.Delivery.open(base)) for base in bases)
    client = library.registries.open_site_registry(scope, place, site=site, is_writing=True)
    result = delivery.import_images.import_delivery(
        delivery.import_images.ImportRequest(trusted=trusted, place=place, bases=opened, reads_all=recheck),
        client,
        app.telling,
    )
    if not no_bundle:
        at = bring_bundle(trusted, place, client, app.telling, limits=scope.limits)
        result = replace(result, bundle=at)
    app.telling.stop()
    output.images.show_import(app, result, str(place))
