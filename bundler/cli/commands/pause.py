"""``bundler pause``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.flows.confirm import open_saying_where
from bundler.cli.output.rollouts import show_paused
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("pause")
@release_argument
@click.option("-m", "--reason", default="", help="Why; shown by `rollout` and `status`.")
def pause_command(app: App, *, release: str, reason: str) -> None:
    """Pause the upgrade in steps of RELEASE: no more pods are replaced until `bundler continue`.

    It needs no lock: another run that moves the rollout notices before its next write, and ends.
    """
    show_paused(app, open_saying_where(app).pause_rollout(release, reason=reason))
