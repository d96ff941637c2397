"""Break a lock, with a word from somebody. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.adapters.cluster import connect
from bundler.cli.flows.confirm import EXIT_DECLINED, ask, say_where
from bundler.cli.output.releases import moment
from bundler.cli.terminal.text import Line
from bundler.errors import ConfirmationRequiredError
from bundler.storage.holder import is_alive_here
from bundler.storage.lock import break_lock, read_lock

if TYPE_CHECKING:
    from datetime import datetime

    from bundler.cli.session.app import App
    from bundler.storage.holder import Holder
    from bundler.storage.lease import LockState


def carry_out_unlock(app: App, release: str, *, is_yes: bool) -> int:
    """Show who holds the lock of a release and break it; return the exit code.

    Raises:
        ConfirmationRequiredError: when nobody is there to ask, and --yes was not given.
        ClusterError: when the cluster cannot be asked.
    """
    connection = connect(app)
    say_where(app, connection)
    state = read_lock(connection.ports.cluster, connection.namespace, release)
    if state is None:
        return _told(app, release, None, is_broken=False)
    facts = _facts(state)
    app.screen.complain([Line(f"release {release} is locked:", "bold"), *(Line(f"  {fact}") for fact in facts)])
    if not is_yes and not app.may_ask:
        raise ConfirmationRequiredError(
            f"unlocking release {release}", context=facts, hint="pass --yes when you are sure that its holder is dead"
        )
    if not is_yes and not ask(app, "Break this lock? [y/N] "):
        app.screen.complain([Line("unlock declined; nothing was changed", "yellow")])
        return EXIT_DECLINED
    return _told(app, release, state, is_broken=break_lock(connection.ports.cluster, state))


def _facts(state: LockState) -> list[str]:
    return [
        *_fate_of(state.holder),
        f"holder: {state.holder.identity}",
        f"doing: {state.doing}",
        f"command: {state.holder.command}",
        f"since: {_when(state.since)}",
        f"last heartbeat: {_when(state.last_heartbeat)}",
    ]


def _fate_of(holder: Holder) -> list[str]:
    match is_alive_here(holder):
        case True:
            return ["its process lives on this machine: stop it first, it goes on writing until its next heartbeat"]
        case False:
            return ["its process, on this machine, is gone: the next run takes the lock over by itself"]
        case None:
            return []


def _when(when: datetime | None) -> str:
    return moment(when) if when else "unknown"


def _told(app: App, release: str, state: LockState | None, *, is_broken: bool) -> int:
    if app.output != "text":
        holder = state.holder.identity if state else ""
        app.screen.document({"release": release, "isBroken": is_broken, "holder": holder}, app.output)
    else:
        word = "unlocked" if is_broken else "not locked"
        app.screen.lines([Line(f"release {release}: {word}", "green")])
    return 0
