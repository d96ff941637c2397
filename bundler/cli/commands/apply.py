"""``bundler apply``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import PlanInputs, RunOptions
from bundler.cli.flows.saved_plan import ApplyFlags, apply_plan
from bundler.cli.parsing.bundle_options import fetch_or_offline_options
from bundler.cli.parsing.change_options import (
    data_loss_option,
    history_max_option,
    hook_logs_option,
    junit_option,
    lock_timeout_option,
    no_wait_option,
    outside_window_option,
    suspend_option,
    test_option,
    watch_option,
)
from bundler.cli.parsing.command import FilePath, gathered, verb
from bundler.cli.parsing.signing_options import public_keys_option
from bundler.cli.parsing.values_options import values_options

if TYPE_CHECKING:
    from pathlib import Path

    from bundler import Values
    from bundler.cli.session.app import App


@verb("apply")
@click.argument("file", type=FilePath(), metavar="FILE")
@click.option("--bundle", default="", metavar="BUNDLE", help="Where the bundle is now.  [default: as planned]")
@click.option(
    "--require-signature", "requires_signature", is_flag=True, help="Refuse a plan that no trusted key has signed."
)
@public_keys_option
@values_options()
@data_loss_option
@outside_window_option
@suspend_option
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Check that nothing moved since, and change nothing.")
@lock_timeout_option
@no_wait_option
@hook_logs_option
@test_option
@junit_option
@watch_option
@history_max_option
@fetch_or_offline_options
@gathered("options", RunOptions)
@gathered("flags", ApplyFlags)
def apply_command(
    app: App,
    *,
    file: Path,
    bundle: str,
    values: Values,
    losses: bool,
    outside_window: str,
    suspends_order: bool,
    flags: ApplyFlags,
    options: RunOptions,
) -> int:
    """Carry out the saved plan in FILE exactly as it is, or refuse and list what has moved since it was made.

    It does not ask: the plan is the answer. The bundle is taken from where the plan took it, or from --bundle, and must
    have the digest that was planned. Sensitive values are in no file: those that no record holds are given again, with
    the options that gave them to `bundler plan`. With --key or --require-signature the .sig file beside the plan must
    hold good signatures, of the keys named or of those in the site file.
    """
    inputs = PlanInputs(
        values=values,
        bundle=bundle,
        accepts_losses=losses,
        outside_window=outside_window,
        suspends_order=suspends_order,
    )
    return apply_plan(app, file, inputs, options, flags)
