"""``bundler unlock``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.actions.release.unlock import unlock
from bundler.cli.flows.confirm import EXIT_DECLINED, ask, open_saying_where
from bundler.cli.output.releases import moment
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb
from bundler.cli.terminal.text import Line
from bundler.wire.releases import unlock_form

if TYPE_CHECKING:
    from datetime import datetime

    from bundler.cli.session.app import App
    from bundler.model.lock import LockState


@verb("unlock")
@release_argument
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def unlock_command(app: App, *, release: str, yes: bool) -> int:
    """Break the lock of RELEASE when you are sure that its holder is dead.

    A run that is alive after all notices before its next write, and stops.
    """
    session = open_saying_where(app)

    def approve(state: LockState) -> bool:
        facts = [Line(f"  {fact}") for fact in _facts(state)]
        app.screen.complain([Line(f"release {release} is locked:", "bold"), *facts])
        return yes or (app.may_ask and ask(app, "Break this lock? [y/N] "))

    lock = session.scope.ports().lock
    result = unlock(lock, session.namespace, release, may_break=yes or app.may_ask, approve=approve)
    if result.is_declined:
        app.screen.complain([Line("unlock declined; nothing was changed", "yellow")])
        return EXIT_DECLINED
    word = "unlocked" if result.is_broken else "not locked"
    app.show(unlock_form(release, result), [Line(f"release {release}: {word}", "green")])
    return 0


def _facts(state: LockState) -> list[str]:
    return [
        *_fate_of(state),
        f"holder: {state.holder.identity}",
        f"doing: {state.doing}",
        f"command: {state.holder.command}",
        f"since: {_when(state.since)}",
        f"last heartbeat: {_when(state.last_heartbeat)}",
    ]


def _fate_of(state: LockState) -> list[str]:
    match state.is_alive_here:
        case True:
            return ["its process runs on this machine: stop it first, it keeps writing until its next heartbeat"]
        case False:
            return ["its process on this machine has ended: the next run takes over the lock"]
        case None:
            return []


def _when(when: datetime | None) -> str:
    return moment(when) if when else "unknown"
