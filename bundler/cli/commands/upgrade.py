"""``bundler upgrade``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import ReleaseRequest
from bundler.cli.flows.install import attended, carry_out_install
from bundler.cli.parsing.arguments import bundle_argument, release_argument
from bundler.cli.parsing.bundle_options import fetch_or_offline_options
from bundler.cli.parsing.change_options import (
    accepting,
    path_options,
    preflight_option,
    run_options,
    starting_options,
    write_options,
)
from bundler.cli.parsing.command import gathered, verb
from bundler.cli.parsing.rollout_options import rollout_options
from bundler.cli.parsing.values_options import kube_version_option, values_options
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler import RunOptions
    from bundler.cli.parsing.change_options import RunFlags
    from bundler.cli.session.app import App


@verb("upgrade")
@release_argument
@bundle_argument
@values_options(can_unset=True)
@starting_options
@run_options
@write_options
@path_options
@rollout_options
@kube_version_option
@fetch_or_offline_options
@preflight_option
@click.option("--install", "may_install", is_flag=True, help="Install if the release does not exist.")
@accepting
@gathered("asked", ReleaseRequest)
def upgrade_command(app: App, *, asked: ReleaseRequest, run: RunFlags, options: RunOptions, may_install: bool) -> int:
    """Upgrade RELEASE to BUNDLE, or to other values.

    With --set alone, or with nothing, the recorded values are the start; naming a file starts from the files.

    With --canary, --steps or --batch new pods get their share step by step. A rollout that pauses waits for `continue`
    or `abort`; the release is the old one until its last step.
    """
    asked = replace(asked, steps=attended(asked.steps, app), must_exist=not may_install)
    return carry_out_install(app, asked, run, options)
