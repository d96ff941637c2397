"""``bundler rollback``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import Accepted, OnConflict, RollbackRequest
from bundler.cli.flows.rollback import carry_out_return
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.change_options import (
    conflict_option,
    crd_risk_option,
    no_hooks_option,
    policy_option,
    reach_option,
    recreate_option,
    run_options,
    write_options,
)
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from pathlib import Path

    from bundler.cli.parsing.change_options import RunFlags, WriteFlags
    from bundler.cli.session.app import App


@verb("rollback")
@release_argument
@click.argument("revision", type=click.IntRange(min=1), required=False)
@run_options
@write_options
@policy_option
@recreate_option
@conflict_option
@no_hooks_option
@crd_risk_option
@reach_option
@click.option("--allow-downgrade", is_flag=True, help="Go back past the bundle's noRollbackBelow.")
def rollback_command(
    app: App,
    *,
    release: str,
    revision: int | None,
    run: RunFlags,
    write: WriteFlags,
    site: Path | None,
    allow_reach: bool,
    allow_downgrade: bool,
    accept_crd_risk: bool,
    recreates: tuple[str, ...],
    on_conflict: str,
    no_hooks: bool,
) -> int:
    """Go back to what REVISION of RELEASE recorded; a new revision is made of it.

    Without a number: the newest revision that was deployed and is older than the current one; while an upgrade in steps
    is open, it is aborted. Claims, CRDs and
    generated secrets never go back, except for a claim that --recreate names; the plan says which of them differ. What
    the record would write outside of the namespace, or grants, must be live already.
    """
    asked = RollbackRequest(
        release=release,
        revision=revision or 0,
        recreates=recreates,
        on_conflict=OnConflict(on_conflict),
        skips_hooks=no_hooks,
        accepted=Accepted(wider_reach=allow_reach, downgrade=allow_downgrade, crd_risk=accept_crd_risk),
    )
    return carry_out_return(app, asked, site, run, write)
