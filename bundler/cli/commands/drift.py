"""``bundler drift``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.flows.drift import DriftFlags, carry_out_drift
from bundler.cli.parsing.arguments import ReleaseName, offers
from bundler.cli.parsing.change_options import (
    accepting,
    adopt_option,
    crd_risk_option,
    data_loss_option,
    outside_window_option,
    policy_option,
    reach_option,
    recreate_option,
    suspend_option,
    yes_option,
)
from bundler.cli.parsing.command import gathered, verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("drift")
@click.argument("release", type=ReleaseName(), required=False, shell_complete=offers("releases"))
@click.option("-A", "--all-namespaces", "is_everywhere", is_flag=True, help="Check the releases of every namespace.")
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="[KIND[/NAME]:]PATH",
    help="A field that may differ; can be repeated.",
)
@policy_option
@click.option("--fix", is_flag=True, help="Restore the recorded revision, after its plan was shown.")
@yes_option
@adopt_option
@recreate_option
@data_loss_option
@crd_risk_option
@reach_option
@outside_window_option
@suspend_option
@accepting
@gathered("flags", DriftFlags)
def drift_command(app: App, *, release: str | None, fix: bool, flags: DriftFlags) -> int:
    """Compare what RELEASE recorded with its live objects, or all releases of the namespace; exit 3 where they differ.

    The bundle is not needed. Fields that a rule of the site file or the bundle keeps are not drift, nor are those that
    an earlier change left to their owners. With --fix, the plan that restores the revision is shown and carried out.
    """
    if release and flags.is_everywhere:
        raise click.UsageError("give a release, or -A for all of them")
    if fix and not release:
        raise click.UsageError("--fix needs the name of one RELEASE")
    if fix and flags.ignored:
        raise click.UsageError("--fix restores every field; to leave some to others, write `conflicts` in a site file")
    if (flags.adopts or flags.recreates) and not fix:
        given = "--adopt" if flags.adopts else "--recreate"
        raise click.UsageError(f"{given} says how to restore an object; give it with --fix")
    return carry_out_drift(app, release or "", flags, is_fixed=fix)
