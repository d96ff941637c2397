"""What ``bundler search`` prints. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.terminal.text import table
from bundler.model.size import counted
from bundler.wire.catalogues import search_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.cli.session.app import App
    from bundler.model.catalogue import FoundBundle, SearchResult

_HEADS = ("NAME", "VERSION", "DESCRIPTION", "WHERE")


def show_found(app: App, result: SearchResult, words: Sequence[str]) -> None:
    """Print a line for each bundle; where nothing fits, say what was searched, and how to search more.

    Args:
        app: the running command: its settings, output and clock.
        result: what was found.
        words: what was looked for.
    """
    for place in result.places:
        if place.problem:
            app.screen.warn(f"{place.place}: {place.problem}")
    if app.output != "text":
        app.screen.document(search_form(result), app.output)
    elif result.found:
        rows = [(one.name, one.version, one.description, one.place) for one in result.found]
        app.screen.lines(table(rows, heads=_HEADS, columns=app.screen.columns, shrinking={"DESCRIPTION", "WHERE"}))
        _say_hidden(app, result.found)
    else:
        _say_nothing(app, result, words)


def _say_hidden(app: App, found: Sequence[FoundBundle]) -> None:
    """Name what a name alone does not lead to."""
    hidden = [one for one in found if one.reference != one.name]
    if hidden:
        app.screen.say()
    for one in hidden:
        app.screen.say(f"{one.name} {one.version} of {one.place}: write {one.reference}", "dim")


def _say_nothing(app: App, result: SearchResult, words: Sequence[str]) -> None:
    what = f"nothing fits {' '.join(words)}" if words else "there are no bundles"
    near = f"; did you mean {' or '.join(result.near)}?" if result.near else ""
    app.screen.say(f"{what}{near}")
    for place in result.places:
        where = "what is shipped with bundler" if place.place == "shipped" else place.place
        app.screen.say(f"searched {where}: {counted(place.bundles, 'bundle')}", "dim")
    if app.network.rules.is_offline(default=False):
        app.screen.say("searched no catalogue, because of --offline", "dim")
    hint = "Add places with BUNDLER_BUNDLE_PATH (folders), BUNDLER_CATALOGUES or --catalogue (oci://HOST/CATALOGUE)"
    app.screen.say(f"hint: {hint}", "dim")
