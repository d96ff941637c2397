"""``bundler continue``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import ContinueRequest
from bundler.cli.flows.rollback import carry_out_return
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.change_options import (
    accepting,
    conflict_option,
    policy_option,
    reach_option,
    run_options,
    write_options,
)
from bundler.cli.parsing.command import gathered, verb
from bundler.cli.parsing.rollout_options import share_type

if TYPE_CHECKING:
    from pathlib import Path

    from bundler import RunOptions
    from bundler.cli.parsing.change_options import RunFlags
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
@accepting
@gathered("asked", ContinueRequest)
def continue_command(
    app: App, *, asked: ContinueRequest, site_file: Path | None, run: RunFlags, options: RunOptions
) -> int:
    """Continue the rollout of RELEASE: its next step, and on to where it pauses again.

    It starts from what is recorded and what is there, no matter who began it and how that run ended. A step that
    failed is tried again. Without an open rollout nothing is done, and the exit code is 2.
    """
    if asked.to is not None and asked.to_the_end:
        raise click.UsageError("--to and --all go to two places; give one of them")
    return carry_out_return(app, asked, site_file, run, options)
