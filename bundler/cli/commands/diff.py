"""``bundler diff``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import ReleaseRequest
from bundler.cli.flows.compare import diff_bundles, diff_revisions, names_bundle
from bundler.cli.flows.install import diff_install
from bundler.cli.output.difference import DiffView
from bundler.cli.parsing.arguments import offers
from bundler.cli.parsing.bundle_options import fetch_or_offline_options
from bundler.cli.parsing.change_options import accepting, path_options, starting_options
from bundler.cli.parsing.command import gathered, verb
from bundler.cli.parsing.rollout_options import rollout_options
from bundler.cli.parsing.values_options import (
    kube_version_option,
    show_secrets_option,
    values_options,
)
from bundler.library.name_rules import check_name
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("diff", outputs=("text", "json", "yaml", "markdown", "html"))
@click.argument("release", shell_complete=offers("releases"))
@click.argument("bundle", required=False, default="", shell_complete=offers("bundles"))
@click.option("--revision", metavar="A[..B]", help="Compare recorded revisions: A with B, or with the deployed one.")
@values_options(can_unset=True)
@starting_options
@path_options
@rollout_options
@kube_version_option
@fetch_or_offline_options
@show_secrets_option
@click.option("--full", is_flag=True, help="Show bundler's own labels and annotations too.")
@click.option("--exit-code", is_flag=True, help="Exit with 3 if anything differs (always if changes conflict).")
@accepting
@gathered("asked", ReleaseRequest)
def diff_command(
    app: App, *, asked: ReleaseRequest, revision: str | None, show_secrets: bool, full: bool, exit_code: bool
) -> int:
    """Show what `install` or `upgrade` of RELEASE to BUNDLE would change; nothing is written.

    `diff RELEASE --revision 3..5` compares what two revisions recorded; live objects are not read (`drift` does that).
    `diff ./shop-1.3 ./shop-1.4` compares what two bundles render to with the same values; no cluster is asked.

    With -o json: reach, what is kept, and each change with a JSON patch from what is there to what would be.
    """
    view = DiffView(shows_secrets=show_secrets, is_full=full)
    if revision is not None:
        if asked.bundle:
            raise click.UsageError("give --revision, or a BUNDLE to compare the release with")
        return diff_revisions(app, check_name(asked.release), revision, view, exits_pending=exit_code)
    if not asked.bundle:
        raise click.UsageError("give a BUNDLE, or --revision A..B to compare what is recorded")
    if names_bundle(asked.release):
        return diff_bundles(app, asked.release, replace(asked, release=""), view, exits_pending=exit_code)
    return diff_install(app, replace(asked, release=check_name(asked.release)), view, exits_pending=exit_code)
