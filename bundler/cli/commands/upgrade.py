"""``bundler upgrade``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.change_options import path_options, preflight_option, run_options, starting_options, write_options
from bundler.cli.changing import Wish, carry_out_wish
from bundler.cli.limits import bundle_limit_options
from bundler.cli.names import bundle_argument, release_argument
from bundler.cli.offline import offline_option
from bundler.cli.options import kube_version_option, registry_options, values_options
from bundler.cli.verb import verb

if TYPE_CHECKING:
    from bundler.actions.inputs import Given
    from bundler.cli.change_options import PathFlags, RunFlags, StartingPoint, WriteFlags
    from bundler.cli.invocation import App


@verb("upgrade")
@release_argument
@bundle_argument
@values_options(can_unset=True)
@starting_options
@run_options
@write_options
@path_options
@kube_version_option
@registry_options
@bundle_limit_options
@offline_option
@preflight_option
@click.option("--install", "may_install", is_flag=True, help="Install where there is no such release yet.")
def upgrade_command(
    app: App,
    *,
    release: str,
    bundle: str,
    given: Given,
    start: StartingPoint,
    run: RunFlags,
    write: WriteFlags,
    path: PathFlags,
    kube_version: str,
    no_preflight: bool,
    may_install: bool,
) -> int:
    """Upgrade RELEASE to BUNDLE, or to other values.

    With --set alone, or with nothing, the recorded values are the start; naming a file starts from the files.
    """
    wish = Wish(
        release=release,
        bundle=bundle,
        given=given,
        start=start,
        path=path,
        kube_version=kube_version,
        must_exist=not may_install,
        reason=run.reason,
        skips_preflight=no_preflight,
    )
    return carry_out_wish(app, wish, run, write)
