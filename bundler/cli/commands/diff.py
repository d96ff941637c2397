"""``bundler diff``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import ReleaseRequest
from bundler.cli.flows.install import diff_install, with_flags
from bundler.cli.output.difference import DiffView
from bundler.cli.parsing.arguments import bundle_argument, release_argument
from bundler.cli.parsing.change_options import path_options, starting_options
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.limit_options import bundle_limit_options
from bundler.cli.parsing.registry_options import offline_option, registry_options
from bundler.cli.parsing.values_options import (
    kube_version_option,
    show_secrets_option,
    values_options,
)

if TYPE_CHECKING:
    from bundler import Values
    from bundler.cli.parsing.change_options import PathFlags, StartingPoint
    from bundler.cli.session.app import App


@verb("diff", outputs=("text", "json", "yaml", "markdown", "html"))
@release_argument
@bundle_argument
@values_options(can_unset=True)
@starting_options
@path_options
@kube_version_option
@registry_options
@bundle_limit_options
@offline_option
@show_secrets_option
@click.option("--full", is_flag=True, help="Show bundler's own labels and annotations too.")
@click.option("--exit-code", is_flag=True, help="Exit with 3 if changes are pending (always if they conflict).")
def diff_command(
    app: App,
    *,
    release: str,
    bundle: str,
    given: Values,
    start: StartingPoint,
    path: PathFlags,
    kube_version: str,
    show_secrets: bool,
    full: bool,
    exit_code: bool,
) -> int:
    """Show what `install` or `upgrade` of RELEASE to BUNDLE would change; nothing is written.

    With -o json: reach, what is kept, and each change with a JSON patch from what is live to what would be.
    """
    asked = ReleaseRequest(bundle=bundle, release=release, values=given, kube_version=kube_version)
    asked = with_flags(asked, start, path)
    view = DiffView(shows_secrets=show_secrets, is_full=full)
    return diff_install(app, asked, view, exits_pending=exit_code)
