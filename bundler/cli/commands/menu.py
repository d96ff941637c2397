"""``bundler menu``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.adapters.session import open_session
from bundler.cli.output.order_kind import show_definition, show_kind
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.bundle_options import fetch_options
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("menu")
@bundle_argument
@click.option(
    "--print/--explain",
    "prints",
    default=False,
    help="Print what to apply, or who checks what.  [default: --explain]",
)
@click.option(
    "--source", default="", metavar="REF", help="Where controllers take BUNDLE from: oci://REGISTRY/REPOSITORY."
)
@fetch_options
def menu_command(app: App, bundle: str, *, prints: bool, source: str) -> None:
    """Show the kind of Kubernetes that BUNDLE can be ordered as: its fields, and who checks what.

    --print: the CustomResourceDefinition and the Menu that tells the controller to serve it, for `kubectl apply -f -`.
    What the API server cannot check, the controller does, with every error in the status of the order.
    """
    kind = open_session(app).menu(bundle, source=source)
    (show_definition if prints else show_kind)(app, kind)
