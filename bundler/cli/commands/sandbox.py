"""``bundler sandbox``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.cli.flows.sandbox import carry_out_rehearsal
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.wire.checks import SandboxVerb


@verb("sandbox")
@click.argument("doing", type=click.Choice(["path", "reset", "fail", "heal", "delete"]))
@click.argument("target", required=False, metavar="[KIND/NAME]")
@click.option("--reason", default="", help="For fail: ImagePullBackOff, CrashLoopBackOff, NotReady, …")
@click.option("--yes", "-y", is_flag=True, help="For reset: do not ask.")
def sandbox_command(app: App, *, doing: SandboxVerb, target: str | None, reason: str, yes: bool) -> int:
    """Look after the embedded cluster (`--context sandbox`).

    path: where it is kept. reset: start over. fail KIND/NAME --reason WORD: let a workload fail from now on.
    heal KIND/NAME: take that back. delete KIND/NAME: delete an object, as kubectl does in a real cluster.
    """
    return carry_out_rehearsal(app, doing, target or "", reason=reason, is_yes=yes)
