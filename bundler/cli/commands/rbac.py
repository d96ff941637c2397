"""``bundler rbac``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import ReleaseRequest
from bundler.cli.adapters.session import open_session
from bundler.cli.output.rendered import show_documents
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.bundle_options import fetch_options
from bundler.cli.parsing.command import gathered, verb
from bundler.cli.parsing.values_options import kube_version_option, release_name_option, values_options
from bundler.errors import UsageError

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("rbac")
@bundle_argument
@click.option(
    "--for", "subject", default="", metavar="USER|NAMESPACE/NAME", help="Bind them to a user or ServiceAccount."
)
@click.option("--read-only", is_flag=True, help="For the verbs that only read.")
@click.option("--for-controller", is_flag=True, help="With the ServiceAccount that an order of the release names.")
@values_options()
@fetch_options
@release_name_option
@kube_version_option
@gathered("request", ReleaseRequest)
def rbac_command(app: App, *, request: ReleaseRequest, subject: str, read_only: bool, for_controller: bool) -> None:
    """Print the Roles that are enough to install, upgrade, roll back and uninstall BUNDLE with these values.

    A Role for each namespace, and a ClusterRole where the bundle has objects of the cluster; for `kubectl apply -f -`.
    What the bundle grants to others is in them too, since no one can grant what they do not have. No cluster is asked.
    """
    if for_controller:
        _refuse_others(subject, read_only=read_only)
        show_documents(app, open_session(app).account_for_controller(request))
        return
    show_documents(app, open_session(app).roles(request, subject=subject, is_reading=read_only))


def _refuse_others(subject: str, *, read_only: bool) -> None:
    other = "--for" if subject else "--read-only" if read_only else ""
    if other:
        raise UsageError(
            "reading who the roles are for",
            context=[f"{other} was given with --for-controller, which prints a ServiceAccount with all rights"],
            hint=f"leave one of the two out: {other} or --for-controller",
        )
