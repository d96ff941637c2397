"""``bundler lock``. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bundler import library
from bundler.actions.author.bundle_lock import check_lock, lock_components
from bundler.cli.adapters.session import open_session
from bundler.cli.parsing.arguments import bundle_argument
from bundler.cli.parsing.bundle_options import fetch_options
from bundler.cli.parsing.command import verb
from bundler.cli.terminal.text import table
from bundler.loader.locate import find_bundle
from bundler.model.size import counted
from bundler.wire.bundles import locked_forms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bundler.cli.session.app import App
    from bundler.loader.lockfile import LockEntry


@verb("lock")
@bundle_argument
@click.option("--check", is_flag=True, help="Write nothing; exit with 3 if bundle.lock and the components differ.")
@click.option("--vendor", is_flag=True, help="Write components from registries into components/.")
@fetch_options
def lock_command(app: App, bundle: str, check: bool, vendor: bool) -> None:
    """Write bundle.lock of the folder BUNDLE: version, source and sha256 of every component.

    Components from registries are taken at the highest version in their range; from then on at the one that is locked.
    """
    scope = open_session(app).scope
    location = find_bundle(bundle, search_path=app.settings.environment.bundle_path)
    if check:
        _show(app, check_lock(location, library.bundles.fetcher_of(scope).component, limits=app.limits))
        app.screen.say("bundle.lock is what the components are", "green")
        return
    result = lock_components(
        location, library.bundles.fetcher_of(scope, is_fresh=True).component, vendors=vendor, limits=app.limits
    )
    _show(app, result.entries)
    vendored = f", {counted(result.vendored, 'file')} written below components/" if vendor else ""
    app.screen.say(f"{result.path}: {counted(len(result.changed), 'change')}{vendored}", "green")


def _show(app: App, entries: Iterable[LockEntry]) -> None:
    rows = [(entry.name, entry.version, entry.source, f"sha256:{entry.sha256[:16]}…") for entry in entries]
    heads = ("COMPONENT", "VERSION", "SOURCE", "FILES")
    app.show(locked_forms(entries), table(rows, heads=heads) if rows else [])
