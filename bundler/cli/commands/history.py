"""``bundler history``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import library
from bundler.cli.adapters.session import open_session
from bundler.cli.output.releases import nothing_found, show_history, show_trail
from bundler.cli.output.revision import show_evidence, show_revision, show_standing
from bundler.cli.parsing.arguments import ReleaseName, offers
from bundler.cli.parsing.command import verb

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.errors import BundlerError


@verb("history")
@click.argument("release", type=ReleaseName(), required=False, shell_complete=offers("releases"))
@click.option(
    "-A", "--all-namespaces", is_flag=True, help="Show who changed what, for the releases of every namespace."
)
@click.option("--revision", type=click.IntRange(min=1), help="Show one revision: who, from where, why.")
@click.option(
    "--why",
    is_flag=True,
    help="Show the report of a failure: of --revision. Without it: the revision that runs, and a failed one beside it.",
)
def history_command(app: App, *, release: str | None, all_namespaces: bool, revision: int | None, why: bool) -> None:
    """List the revisions of RELEASE, oldest first; without RELEASE or with -A, of all releases, by time.

    For all releases each line says who made the revision, from where and why; -o json has the command line, with
    sensitive values masked, and the version of bundler too. Revisions that an uninstall removed are not listed.
    """
    if release and all_namespaces:
        raise click.UsageError("give a RELEASE, or -A for all of them")
    if not release and (revision or why):
        raise click.UsageError("--revision and --why need the name of one RELEASE")
    session = open_session(app)
    if release and why and not revision:
        show_standing(app, library.inspecting.standing(session.scope, release))
        return
    if release and revision:
        (show_evidence if why else show_revision)(app, session.revision(release, revision))
        return
    unreadable: list[BundlerError] = []
    if release:
        show_history(app, session.history(release, on_unreadable=unreadable.append), session.orders(release=release))
    else:
        namespace = None if all_namespaces else ""
        entries = session.trail(namespace=namespace, on_unreadable=unreadable.append)
        show_trail(app, entries, nothing=nothing_found("revisions", is_everywhere=all_namespaces))
    library.inspecting.raise_unreadable(unreadable)
