"""What ``bundler diff`` prints: text, JSON patches, Markdown or HTML. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.output.causes import because, by_path
from bundler.cli.output.markdown import markdown
from bundler.cli.output.page import page
from bundler.cli.output.plan import PlanView, count_line, kept_texts, plan_lines, reach_remark, rest_listings
from bundler.cli.output.report import Item, Listing, Report
from bundler.cli.output.steps import stepped_listings
from bundler.model.change import Action
from bundler.model.lean import dataclass
from bundler.planning.conflicts import change_notes
from bundler.planning.diff import object_diff
from bundler.planning.planned_steps import planned_steps
from bundler.planning.replaced import with_replaced
from bundler.planning.server_warnings import warning_lines
from bundler.wire.changes import difference_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bundler.cli.session.app import App
    from bundler.model.change import Change, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a plan is about, for those who read it away from the terminal that it was made on."""

    facts: Mapping[str, str]
    """Release, namespace, cluster, bundle: a line each."""
    values: tuple[str, ...] = ()
    """Values that change, a line each."""

    @property
    def namespace(self) -> str:
        """Where the release is."""
        return self.facts["namespace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffView:
    """How much of a difference is shown."""

    shows_secrets: bool = False
    is_full: bool = False
    """Show bundler's own stamps too."""


def show_difference(app: App, plan: Plan, subject: Subject, view: DiffView) -> None:
    """Print a plan on stdout in the form that -o asks for; nothing where nothing changes, unless data is asked for.

    Args:
        app: where to.
        plan: what would be done.
        subject: what it is about.
        view: how much of it is shown.
    """
    for warning in warning_lines(plan.changes):
        app.screen.warn(warning)
    shown = [change for change in with_replaced(plan.changes) if change.action is not Action.NONE]
    if app.output in {"json", "yaml"}:
        app.screen.document(difference_form(plan, shows_secrets=view.shows_secrets, is_full=view.is_full), app.output)
        return
    if plan.is_idle:
        app.screen.say(count_line(plan))
        return
    match app.output:
        case "markdown":
            app.screen.text(markdown(_report(plan, shown, subject, view, app.screen.warnings)))
        case "html":
            app.screen.text(page(_report(plan, shown, subject, view, app.screen.warnings)))
        case _:
            whole = PlanView(
                namespace=subject.namespace, has_bodies=True, shows_secrets=view.shows_secrets, is_full=view.is_full
            )
            app.screen.lines(plan_lines(plan, whole))


def _report(plan: Plan, shown: Iterable[Change], subject: Subject, view: DiffView, warnings: tuple[str, ...]) -> Report:
    return Report(
        title=f"diff of release {subject.facts['release']}",
        summary=count_line(plan),
        facts=subject.facts,
        listings=(
            Listing(title="Changed values", lines=subject.values),
            Listing(title="Warnings", lines=warnings),
            *rest_listings(plan, subject.namespace),
        ),
        alarms=tuple((note.kind, f"{note.subject}{reach_remark(note)}") for note in plan.reach),
        items=tuple(
            change_item(change, subject.namespace, view, because(change.causes, by_path(plan.values)))
            for change in shown
        ),
        kept=tuple(kept_texts(plan, subject.namespace)),
        ends=stepped_listings(planned_steps(plan.steps), subject.namespace),
    )


def change_item(change: Change, namespace: str, view: DiffView, reasons: tuple[str, ...] = ()) -> Item:
    """Return one change as a report shows it.

    Args:
        change: of a plan or a comparison.
        namespace: of the release.
        view: how much of it is shown.
        reasons: why it is made, a line each.
    """
    return Item(
        action=change.action,
        name=change.ref.seen_from(namespace),
        remark=change.reason,
        because=reasons,
        notes=tuple(change_notes(change)),
        lines=object_diff(change, shows_secrets=view.shows_secrets, is_full=view.is_full).lines,
    )
