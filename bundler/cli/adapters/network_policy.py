"""``--offline``: which servers a run may reach. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bundler.cli.session.app import App


def stay_offline(app: App, *, default: bool, named: frozenset[str] = frozenset()) -> None:
    """Let this run reach nothing but what is named until it ends, if it is offline.

    The API server is named when it is connected to, the registry of the site when the site file is read.

    Args:
        app: settings and streams.
        default: what holds for verbs that take ``--offline`` where it is not given.
        named: more servers that may be reached.
    """
    network = app.network
    if not network.options.takes_offline or not network.options.is_offline(default=default):
        return
    app.closing.callback(network.fence.take_down)
    network.fence.name(*named, *network.site_hosts)
    network.fence.put_up(holds_process=True)
