"""``bundler list``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import library
from bundler.cli.adapters.session import open_session
from bundler.cli.output.releases import show_releases
from bundler.cli.parsing.command import verb
from bundler.model.release import ReleaseStatus

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.errors import BundlerError


@verb("list")
@click.option("-A", "--all-namespaces", is_flag=True, help="List every namespace.")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice([status.value for status in ReleaseStatus]),
    help="Show releases of this status; can be repeated.",
)
def list_command(app: App, *, all_namespaces: bool, statuses: tuple[str, ...]) -> None:
    """List releases: the newest revision of each, whatever became of it."""
    namespace = None if all_namespaces else ""
    wanted = frozenset(ReleaseStatus(status) for status in statuses)
    unreadable: list[BundlerError] = []
    found = open_session(app).releases(namespace=namespace, statuses=wanted, on_unreadable=unreadable.append)
    show_releases(app, found)
    library.inspecting.raise_unreadable(unreadable)
