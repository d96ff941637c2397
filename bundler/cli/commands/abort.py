"""``bundler abort``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import AbortRequest
from bundler.cli.flows.rollback import carry_out_return
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.change_options import (
    accepting,
    adopt_option,
    conflict_option,
    policy_option,
    reach_option,
    run_options,
    write_options,
)
from bundler.cli.parsing.command import gathered, verb

if TYPE_CHECKING:
    from pathlib import Path

    from bundler import RunOptions
    from bundler.cli.parsing.change_options import RunFlags
    from bundler.cli.session.app import App


@verb("abort")
@release_argument
@run_options
@write_options
@policy_option
@adopt_option
@conflict_option
@reach_option
@accepting
@gathered("asked", AbortRequest)
def abort_command(app: App, *, asked: AbortRequest, site_file: Path | None, run: RunFlags, options: RunOptions) -> int:
    """Abort the rollout of RELEASE: the deployed revision comes back.

    Its objects are written again, what the rollout has added is deleted, and its revision ends as failed. Pods of the
    deployed revision that were not replaced yet keep running. Hooks do not run. Without an open rollout nothing is
    done, and the exit code is 2.
    """
    return carry_out_return(app, asked, site_file, run, options)
