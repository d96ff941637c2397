"""``bundler continue``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import Accepted, ContinueRequest, OnConflict
from bundler.cli.flows.rollback import carry_out_return
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.change_options import (
    conflict_option,
    policy_option,
    reach_option,
    run_options,
    write_options,
)
from bundler.cli.parsing.command import verb
from bundler.cli.parsing.rollout_options import share_type

if TYPE_CHECKING:
    from pathlib import Path

    from bundler import Share
    from bundler.cli.parsing.change_options import RunFlags, WriteFlags
    from bundler.cli.session.app import App


@verb("continue")
@release_argument
@click.option("--to", type=share_type, metavar="SHARE", help="Pause again once this share (50%) is reached.")
@click.option("--all", "to_the_end", is_flag=True, help="Go to the end, without another pause.")
@run_options
@write_options
@policy_option
@conflict_option
@reach_option
def continue_command(
    app: App,
    *,
    release: str,
    to: Share | None,
    to_the_end: bool,
    run: RunFlags,
    write: WriteFlags,
    site: Path | None,
    on_conflict: str,
    allow_reach: bool,
) -> int:
    """Continue the rollout of RELEASE: its next step, and on to where it pauses again.

    It starts from what is recorded and what is there, no matter who began it and how that run ended. A step that
    failed is tried again. Without an open rollout nothing is done, and the exit code is 2.
    """
    if to is not None and to_the_end:
        raise click.UsageError("--to and --all go to two places; give one of them")
    asked = ContinueRequest(
        release=release,
        to=to,
        to_the_end=to_the_end,
        accepted=Accepted(wider_reach=allow_reach),
        on_conflict=OnConflict(on_conflict),
    )
    return carry_out_return(app, asked, site, run, write)
