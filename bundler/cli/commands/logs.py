"""``bundler logs``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler.actions.inspect.logs import release_logs
from bundler.cli.adapters.session import open_session
from bundler.cli.parsing.arguments import release_argument
from bundler.cli.parsing.command import verb
from bundler.cli.terminal.text import Line
from bundler.model.cluster import LogQuery

if TYPE_CHECKING:
    from bundler.cli.session.app import App


@verb("logs", outputs=("text",))
@release_argument
@click.option("-c", "--component", default="", help="Show only the pods of this component.")
@click.option("--container", default="", help="Show only containers of this name.")
@click.option("-f", "--follow", is_flag=True, help="Follow the logs.")
@click.option("--tail", type=click.IntRange(min=0), default=None, help="Lines of each container.  [default: all]")
@click.option("--previous", is_flag=True, help="Logs from before the last restart.")
def logs_command(
    app: App, *, release: str, component: str, container: str, follow: bool, tail: int | None, previous: bool
) -> None:
    """Print the logs of all pods of RELEASE, each line after its pod and container."""
    session = open_session(app)
    query = LogQuery(container=container, tail_lines=tail, is_following=follow, is_previous=previous)
    for line in release_logs(session.scope.ports(), session.namespace, release, query, component=component):
        app.screen.lines([Line(f"{line.pod} {line.container} | {line.text}")])
