"""What ``bundler diff`` prints of two revisions or two bundles. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.output.difference import change_item
from bundler.cli.output.markdown import markdown
from bundler.cli.output.page import page
from bundler.cli.output.plan import PlanView, change_lines
from bundler.cli.output.report import Listing, Report
from bundler.cli.terminal.text import Line
from bundler.model.change import Action
from bundler.model.size import counted
from bundler.planning.replaced import with_replaced
from bundler.wire.comparison import comparison_form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler import Change, Comparison
    from bundler.cli.output.difference import DiffView
    from bundler.cli.session.app import App
    from bundler.model.comparison import ComparedSide

_WORDS = {
    Action.CREATE: "added",
    Action.UPDATE: "changed",
    Action.DELETE: "removed",
    Action.NONE: "unchanged",
}


def show_comparison(app: App, found: Comparison, view: DiffView) -> None:
    """Print what differs in the form that -o asks for; nothing where nothing does, unless data is asked for.

    Args:
        app: where to.
        found: both sides, and what differs.
        view: how much of it is shown.
    """
    for warning in found.warnings:
        app.screen.warn(warning)
    if app.output in {"json", "yaml"}:
        form = comparison_form(found, shows_secrets=view.shows_secrets, is_full=view.is_full)
        app.screen.document(form, app.output)
        return
    changes = with_replaced(found.changes)
    shown = [change for change in changes if change.action is not Action.NONE]
    if not shown and not found.values:
        app.screen.say(_count(found, changes))
        return
    match app.output:
        case "markdown":
            app.screen.text(markdown(_report(found, changes, view, app.screen.warnings)))
        case "html":
            app.screen.text(page(_report(found, changes, view, app.screen.warnings)))
        case _:
            app.screen.say_lines(Line(f"  {line}", "cyan") for line in found.values)
            whole = PlanView(
                namespace=found.namespace, has_bodies=True, shows_secrets=view.shows_secrets, is_full=view.is_full
            )
            app.screen.lines(line for change in shown for line in change_lines(change, whole))
            app.screen.lines([Line(_count(found, changes), "bold")])


def _count(found: Comparison, changes: Sequence[Change]) -> str:
    """Return how much differs: ``revision 3 (shop 1.3.0) -> revision 5 (shop 1.4.0): 2 changed, 7 unchanged``."""
    numbers = {word: sum(change.action is action for change in changes) for action, word in _WORDS.items()}
    said = ", ".join(f"{number} {word}" for word, number in numbers.items() if number) or counted(0, "object")
    return f"{_named(found.before)} -> {_named(found.after)}: {said}"


def _named(side: ComparedSide) -> str:
    bundle = f"{side.bundle.name} {side.bundle.version}"
    return f"revision {side.revision} ({bundle})" if side.revision else bundle


def _report(found: Comparison, changes: Sequence[Change], view: DiffView, warnings: tuple[str, ...]) -> Report:
    sides = {"before": _named(found.before), "after": _named(found.after)}
    return Report(
        title=f"diff of release {found.release}" if found.after.revision else "diff of bundles",
        summary=_count(found, changes),
        facts={"release": found.release, "namespace": found.namespace, **sides},
        listings=(Listing(title="Changed values", lines=found.values), Listing(title="Warnings", lines=warnings)),
        items=tuple(
            change_item(change, found.namespace, view) for change in changes if change.action is not Action.NONE
        ),
    )
