"""``bundler rollback``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import RollbackRequest
from bundler.cli.flows.rollback import carry_out_return
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.change_options import (
    accepting,
    adopt_option,
    conflict_option,
    crd_risk_option,
    no_hooks_option,
    policy_option,
    reach_option,
    recreate_option,
    run_options,
    write_options,
)
from bundler.cli.parsing.command import gathered, verb

if TYPE_CHECKING:
    from pathlib import Path

    from bundler import RunOptions
    from bundler.cli.parsing.change_options import RunFlags
    from bundler.cli.session.app import App


@verb("rollback")
@release_argument
@click.argument("revision", type=click.IntRange(min=1), required=False)
@run_options
@write_options
@policy_option
@adopt_option
@recreate_option
@conflict_option
@no_hooks_option
@crd_risk_option
@reach_option
@click.option("--allow-downgrade", "downgrade", is_flag=True, help="Go back past the bundle's noRollbackBelow.")
@accepting
@gathered("asked", RollbackRequest)
def rollback_command(
    app: App, *, asked: RollbackRequest, site_file: Path | None, run: RunFlags, options: RunOptions
) -> int:
    """Go back to what REVISION of RELEASE recorded; a new revision is made of it.

    Without a number: the newest revision that was deployed and is older than the current one; while an upgrade in steps
    is open, it is aborted. Claims, CRDs and
    generated secrets never go back, except for a claim that --recreate names; the plan says which of them differ. What
    the record would write outside of the namespace, or grants, must be live already.
    """
    return carry_out_return(app, asked, site_file, run, options)
