"""``bundler show``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.author.describe import menu_of
from bundler.cli.flows.acquire_bundle import take
from bundler.cli.output.described import show_description
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.limit_options import bundle_limit_options
from bundler.cli.parsing.registry_options import registry_options
from bundler.wire.bundles import description_form
from bundler.wire.deliveries import delivery_form

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("show", outputs=("text", "json", "yaml", "markdown", "html"))
@bundle_argument
@registry_options
@bundle_limit_options
def show_command(app: App, bundle: str) -> None:
    """Describe BUNDLE: what it is, its components, and the menu of values that it takes.

    Of a delivery also what it carries; its index alone is read.
    """
    taken = take(app, bundle)
    description = description_form(taken.bundle, menu_of(taken.bundle, confinement=app.confinement))
    if taken.delivery is not None:
        description["delivery"] = delivery_form(taken.delivery.index, taken.delivery.delivery.build_id)
    show_description(app, description)
