"""What a changing verb says at its end. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.output.plan import kept_texts
from bundler.cli.output.releases import status_text
from bundler.cli.terminal.text import Line
from bundler.model.change import Action
from bundler.model.size import counted, counted_objects, seconds
from bundler.wire.changes import absence_form, outcome_form, removal_form

if TYPE_CHECKING:
    from bundler import ChangeResult
    from bundler.cli.session.app import App
    from bundler.model.change import Plan
    from bundler.model.outcome import Outcome
    from bundler.model.release import Revision
    from bundler.model.rollout import Rollout


def show_outcome(app: App, result: Outcome, *, verb: str) -> None:
    """Print what became of a change: notes and one line, or one document.

    Args:
        app: the running command: its settings, output and clock.
        result: of the action.
        verb: of the command.
    """
    revision, newest = result.revision, result.newest
    if result.is_declined:
        app.screen.complain([Line(f"{verb} declined; nothing was changed", "yellow")])
    elif app.output != "text":
        took_s = app.clock.monotonic() - app.started_s
        app.screen.document(outcome_form(result, warnings=app.screen.warnings, took_s=took_s), app.output)
    elif revision is None:
        number = newest.revision if newest else 0
        app.screen.lines([Line(f"release {result.wanted.release}: no changes, revision {number} stays", "green")])
    elif revision.summary.rollout is not None:
        app.screen.lines(_paused_lines(app, revision, result.plan, revision.summary.rollout))
    else:
        if revision.notes.strip() and revision.summary.status.was_deployed:
            app.screen.lines([Line(revision.notes.strip("\n")), Line("")])
        app.screen.lines([Line(_summary(app, revision, result.plan), "green")])


def _paused_lines(app: App, revision: Revision, plan: Plan, rollout: Rollout) -> list[Line]:
    """Say where an upgrade in steps waits, and what to do next."""
    summary = revision.summary
    place = f"{summary.release} -n {summary.namespace}"
    why = "" if rollout.is_done else app.screen.shown(rollout.reason)
    return [
        Line(_summary(app, revision, plan), "green"),
        *([Line(f"because {why}", "yellow")] if why else []),
        Line(f"continue it with `bundler continue {place}`, or go back with `bundler abort {place}`"),
    ]


def _summary(app: App, revision: Revision, plan: Plan) -> str:
    summary = revision.summary
    took = seconds(app.clock.monotonic() - app.started_s)
    status = status_text(summary)
    remark = "" if summary.description in {"", status} else f", {summary.description}"
    objects = counted_objects(summary.objects, hooks=plan.hooks_written, backups=plan.backups_written)
    return f"release {summary.release}: revision {summary.revision} {status}{remark} ({objects}, {took})"


def show_removal(app: App, result: ChangeResult, *, keeps_history: bool) -> None:
    """Print what became of an uninstall.

    Args:
        app: the running command: its settings, output and clock.
        result: of the action.
        keeps_history: whether the records stay.
    """
    plan, history = result.proposal.plan, result.proposal.history
    namespace, release = history.namespace, history.release
    if result.is_declined:
        app.screen.complain([Line("uninstall declined; nothing was changed", "yellow")])
    elif app.output != "text":
        app.screen.document(removal_form(namespace, release, plan, warnings=app.screen.warnings), app.output)
    else:
        took = seconds(app.clock.monotonic() - app.started_s)
        kept = f", {len(plan.kept)} kept" if plan.kept else ""
        gone = counted(plan.count(Action.DELETE), "object")
        left = "; its history is kept" if keeps_history else ""
        done = Line(f"release {release}: uninstalled ({gone} deleted{kept}, {took}){left}", "green")
        app.screen.lines([done, *(Line(f"kept {text}") for text in kept_texts(plan, namespace))])


def show_absence(app: App, release: str) -> None:
    """Say that there was nothing to uninstall."""
    app.show(absence_form(release), [Line(f"release {release}: not there, nothing to uninstall")])
