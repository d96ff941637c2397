"""The sessions of a controller: one as itself, and one for each ServiceAccount that orders name. Layer: cli."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from bundler.cli.adapters.session import open_cluster, session_options
from bundler.library.network import Network
from bundler.library.options import Host
from bundler.library.scope import Scope
from bundler.library.session import Session
from bundler.model.lean import replace
from bundler.ports import UNCONFINED, say_nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.cli.session.app import App
    from bundler.controller.accounts import Account
    from bundler.ports import Confinement, Reporter


def open_as(
    app: App,
    account: Account,
    *,
    count: Callable[[str, int], None],
    report: Reporter = say_nothing,
    confinement: Confinement = UNCONFINED,
) -> Session:
    """Return a session that acts as an account, on the cluster of this run; the caller closes it.

    Unlike the session of other verbs it outlives the time of a command: each of its calls has a time of its own.

    Args:
        app: the running command.
        account: as whom.
        count: takes verb and status of each request to the API server.
        report: takes the events of its calls.
        confinement: runs work on foreign bundles.
    """
    options = replace(session_options(app), impersonate=account.user, timeout_s=account.timeout_s)
    host = Host(
        clock=app.clock,
        redactor=app.redactor,
        closing=ExitStack(),
        report=report,
        count=count,
        stop=app.stop,
        confinement=confinement,
        owns_process=app.owns_process,
        masks=False,
        argv=("controller",),
    )
    return Session(Scope(options, host, Network(app.network.rules), partial(open_cluster, app)))
