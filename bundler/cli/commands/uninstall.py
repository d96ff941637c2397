"""``bundler uninstall``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import UninstallRequest
from bundler.cli.flows.rollback import carry_out_removal
from bundler.cli.output.changed import show_absence
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.change_options import (
    accepting,
    no_hooks_option,
    orphan_orders_option,
    policy_option,
    run_options,
)
from bundler.cli.parsing.command import gathered, verb
from bundler.errors.change import ReleaseNotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.parsing.change_options import RunFlags
    from bundler.cli.session.app import App


@verb("uninstall")
@release_argument
@run_options
@policy_option
@no_hooks_option
@click.option("--keep-history", "keeps_history", is_flag=True, help="Keep the records, for history and rollback.")
@click.option("--delete-crds", "crd_deletion", is_flag=True, help="Delete CRDs, too, that no one else uses.")
@orphan_orders_option
@click.option("--ignore-not-found", is_flag=True, help="Succeed if the release does not exist.")
@accepting
@gathered("asked", UninstallRequest)
def uninstall_command(
    app: App, *, asked: UninstallRequest, site_file: Path | None, run: RunFlags, ignore_not_found: bool
) -> int:
    """Delete what RELEASE owns, and its records.

    Volume claims, generated secrets, namespaces and CRDs are kept, and named. Without a terminal to ask on it needs
    --yes; custom resources, which may hold data, are deleted with --accept-data-loss. With --delete-crds a CRD of the
    release goes as well, unless another release records it too, or an object of its kind is not the release's own.

    The controller is not uninstalled while orders still need it to be deleted; --orphan-orders releases them first.
    """
    try:
        return carry_out_removal(app, asked, site_file, run)
    except ReleaseNotFoundError:
        if not ignore_not_found:
            raise
        show_absence(app, asked.release)
        return 0
