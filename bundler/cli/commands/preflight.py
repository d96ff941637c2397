"""``bundler preflight``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli import flows
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.bundle_options import fetch_or_offline_options
from bundler.cli.parsing.change_options import create_namespace_option
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.values_options import release_name_option, values_options

if TYPE_CHECKING:
    from bundler import Values
    from bundler.cli.session.app import App


@verb("preflight")
@bundle_argument
@values_options()
@release_name_option
@create_namespace_option
@click.option("--kube-version", default="", metavar="VERSION", help="Check the APIs of this Kubernetes, too.")
@fetch_or_offline_options
def preflight_command(
    app: App, bundle: str, *, values: Values, release: str, may_create_namespace: bool, kube_version: str
) -> int:
    """Check that everything that an installation of BUNDLE needs is there; nothing is written.

    The API server and its version, permissions, storage, quota and Pod Security; for a delivery with --site also the
    registry, each image by its digest, one of them pulled with the pull secret of the pods, and the nodes' platforms.
    With --kube-version, before an upgrade of the cluster: templates see that version, and objects in API versions that
    it no longer serves are named.
    """
    return flows.preflight.look_ahead(
        app,
        bundle,
        values,
        release=release,
        may_create_namespace=may_create_namespace,
        kube_version=kube_version,
    )
