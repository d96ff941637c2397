"""``bundler order``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.flows.order import OrderArgs, carry_out_order
from bundler.cli.flows.order_bundle import is_local
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.bundle_options import fetch_options
from bundler.cli.parsing.change_options import create_namespace_option
from bundler.cli.parsing.command import gathered, verb
from bundler.cli.parsing.order_options import order_flags
from bundler.cli.parsing.values_options import values_options
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.cli.parsing.order_options import OrderFlags
    from bundler.cli.session.app import App


@verb("order")
@release_argument
@click.option("--create", default="", metavar="SOURCE", help="Make the order, of this bundle.")
@click.option("--service-account", default="", metavar="NAME", help="With --create: whose rights the controller uses.")
@create_namespace_option
@click.option("--source", default="", metavar="SOURCE", help="Take another bundle from now on.")
@click.option("--version", "version", default="", metavar="VERSION", help="Take this version of the bundle.")
@click.option("--digest", default="", metavar="DIGEST", help="Take the bundle with this digest.")
@click.option("--from-revision", type=click.IntRange(min=1), help="Order what this revision was made of.")
@values_options(can_unset=True)
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Show what would change, and change nothing.")
@order_flags
@fetch_options
@gathered("asked", OrderArgs)
def order_command(app: App, *, asked: OrderArgs, flags: OrderFlags) -> int:
    """Change the order that says what RELEASE is to be: show the plan, write the order, wait for its controller.

    SOURCE is oci://HOST/REPOSITORY, secret://NAME, or a bundle of this machine: a folder, a .tgz or a shipped one. That
    is packed into a Secret beside the order, with the signature beside the .tgz; it goes with the order, and Secrets
    of earlier bundles are deleted once the order is written.

    The bundle is written with its digest. Values are those of the order, with the ones given over them; sensitive ones
    belong in a Secret that `.spec.valuesFrom` names. --from-revision goes back: to the bundle and the values that the
    revision recorded. --create makes an order for a release that is installed, with the values it was given, or for a
    new one.
    """
    source = asked.create or asked.source
    if asked.values.site:
        raise click.UsageError("an order names a site of its controller: `.spec.site`")
    if asked.service_account and not asked.create:
        raise click.UsageError("--service-account goes with --create; .spec.serviceAccountName of an order stays")
    if asked.create and (asked.source or asked.from_revision):
        raise click.UsageError("--create says where the bundle comes from, and starts from what is deployed")
    if asked.version and is_local(source):
        raise click.UsageError("--version chooses in a registry; a bundle of this machine has one version")
    return carry_out_order(app, replace(asked, source=source), flags)
