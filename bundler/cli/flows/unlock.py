"""Break a lock: show who holds it, and ask. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.release.unlock import unlock
from bundler.cli.flows.confirm import EXIT_DECLINED, ask, open_saying_where
from bundler.cli.output.releases import moment
from bundler.cli.terminal.text import Line
from bundler.wire.releases import unlock_form

if TYPE_CHECKING:
    from datetime import datetime

    from bundler.cli.session.app import App
    from bundler.model.lock import LockState


def carry_out_unlock(app: App, release: str, *, is_yes: bool) -> int:
    """Show who holds the lock of a release and break it; return the exit code.

    Args:
        app: the running command: its settings, output and clock.
        release: its name.
        is_yes: do not ask.

    Raises:
        ConfirmationRequiredError: when no one can be asked, and --yes was not given.
        ClusterError: when the cluster cannot be asked.
    """
    session = open_saying_where(app)

    def approve(state: LockState) -> bool:
        facts = [Line(f"  {fact}") for fact in _facts(state)]
        app.screen.complain([Line(f"release {release} is locked:", "bold"), *facts])
        return is_yes or (app.may_ask and ask(app, "Break this lock? [y/N] "))

    result = unlock(
        session.scope.ports().lock, session.namespace, release, may_break=is_yes or app.may_ask, approve=approve
    )
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
