"""``bundler list``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import library
from bundler.cli.adapters.session import open_session
from bundler.cli.output.releases import nothing_found, show_releases
from bundler.cli.parsing.command import verb
from bundler.model.release import ReleaseStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.cli.session.app import App
    from bundler.errors import BundlerError
    from bundler.library.session import Session
    from bundler.model.release import RevisionSummary


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
    session = open_session(app)
    found = session.releases(namespace=namespace, statuses=wanted, on_unreadable=unreadable.append)
    orders = session.orders(namespace=namespace)
    nothing = nothing_found(
        f"releases that are {' or '.join(statuses)}" if statuses else "releases", is_everywhere=all_namespaces
    )
    show_releases(app, found, _deployed(session, found) if app.output == "text" else {}, orders, nothing=nothing)
    library.inspecting.raise_unreadable(unreadable)


def _deployed(session: Session, newest: Sequence[RevisionSummary]) -> dict[tuple[str, str], int]:
    """Return which revision is deployed of each release that is upgraded in steps."""
    found: dict[tuple[str, str], int] = {}
    for one in newest:
        if one.rollout is not None:
            history = session.history(one.release, namespace=one.namespace, on_unreadable=lambda _: None)
            deployed = [older.revision for older in history if older.status is ReleaseStatus.DEPLOYED]
            found[one.namespace, one.release] = max(deployed, default=0)
    return found
