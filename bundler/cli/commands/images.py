"""``bundler images``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import library
from bundler.actions import delivery
from bundler.cli import output
from bundler.cli.adapters.session import open_session
from bundler.cli.adapters.signing_keys import policy_for
from bundler.cli.adapters.site_registry import parse_place
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.bundle_options import bundle_limit_options
from bundler.cli.parsing.command import FilePath, verb
from bundler.cli.parsing.values_options import release_name_option, values_options
from bundler.errors import UsageError
from bundler.images.rewrite import places_at_site
from bundler.model.lean import replace

if TYPE_CHECKING:
    from pathlib import Path

    from bundler import Values
    from bundler.cli.session.app import App
    from bundler.model.image import LockedImage


@verb("images", outputs=("text", "json", "yaml", "plain"))
@bundle_argument
@values_options()
@release_name_option
@bundle_limit_options
@click.option("--to", "to", default="", metavar="HOST/PREFIX", help="Show the image references at this registry.")
@click.option("--check", is_flag=True, help="Fail if a delivery lacks an image that some setting needs.")
@click.option(
    "--against",
    type=FilePath(),
    metavar="FILE",
    help="The delivery to check; BUNDLE itself may be one.",
)
def images_command(
    app: App, bundle: str, *, values: Values, release: str, to: str, check: bool, against: Path | None
) -> None:
    """List every image that BUNDLE can need, over all switches in its schema, and where each is used.

    One that needs three settings against their defaults at once is found where `spec.images` declares it.
    For a delivery: the images that it carries. With --to, or the registry of --site, also what they become there.
    """
    session = open_session(app)
    scope = session.scope
    site = library.bundles.read_site(scope, values.site)
    place = parse_place(to) if to else site.registry if site else None
    taken = session.acquire(bundle, site=site)
    carried: tuple[LockedImage, ...] | None = taken.carried
    if against is not None:
        carried = library.bundles.open_delivery(scope, (against,), policy_for(site, ())).carried
    if check and carried is None:
        raise UsageError(
            "checking the images of the bundle",
            context=[f"{bundle} is not a delivery, and none is named"],
            hint="name a delivery: bundler images BUNDLE --check --against shop-1.4.0.bundle",
        )
    if carried is not None and not check and against is None:
        output.images.show_carried(
            app, carried, places_at_site([one.ref for one in carried], carried, place) if place else {}
        )
        return
    order = library.bundles.render_request(scope, taken, values, release=release)
    inventory = delivery.image_inventory.take_inventory(order)
    for warning in inventory.warnings:
        app.screen.warn(warning)
    if check and carried is not None:
        delivery.image_inventory.refuse_uncarried(inventory, replace(order, carried=carried))
    refs = [image.ref for image in inventory.images]
    output.images.show_inventory(app, inventory, places_at_site(refs, carried or (), place) if place else {})
