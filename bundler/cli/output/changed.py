"""What a changing verb says at its end. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.output.plan import plan_data
from bundler.cli.output.releases import status_text
from bundler.cli.terminal.text import Line, seconds
from bundler.model.change import Action
from bundler.model.size import counted

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.model.change import Plan
    from bundler.model.json import JSONValue
    from bundler.model.outcome import Outcome
    from bundler.model.release import Revision


def show_outcome(app: App, result: Outcome, *, verb: str) -> None:
    """Print what became of a change: notes and one line, or one document."""
    revision, newest = result.revision, result.newest
    if result.is_declined:
        app.screen.complain([Line(f"{verb} declined; nothing was changed", "yellow")])
    elif app.output != "text":
        app.screen.document(_document(app, result), app.output)
    elif revision is None:
        number = newest.revision if newest else 0
        app.screen.lines([Line(f"release {result.wanted.release}: no changes, revision {number} stays", "green")])
    else:
        if revision.notes.strip():
            app.screen.lines([Line(revision.notes.strip("\n")), Line("")])
        app.screen.lines([Line(_summary(app, revision), "green")])


def _summary(app: App, revision: Revision) -> str:
    summary = revision.summary
    took = seconds(app.clock.monotonic() - app.started_s)
    status = status_text(summary)
    remark = "" if summary.description in {"", status} else f", {summary.description}"
    about = f"({counted(len(revision.refs), 'object')}, {took})"
    return f"release {summary.release}: revision {summary.revision} {status}{remark} {about}"


def _document(app: App, result: Outcome) -> dict[str, JSONValue]:
    summary = result.revision.summary if result.revision else result.newest or result.wanted
    return {
        "release": result.wanted.release,
        "namespace": result.wanted.namespace,
        "revision": summary.revision,
        "status": summary.status.value,
        "isChanged": result.revision is not None,
        "bundle": {"name": summary.bundle.name, "version": summary.bundle.version, "digest": summary.bundle.digest},
        **plan_data(result.plan),
        "notes": result.revision.notes if result.revision else "",
        "warnings": list(app.screen.warnings),
        "seconds": round(app.clock.monotonic() - app.started_s, 1),
    }


def show_removal(app: App, namespace: str, release: str, plan: Plan, *, is_declined: bool) -> None:
    """Print what became of an uninstall."""
    if is_declined:
        app.screen.complain([Line("uninstall declined; nothing was changed", "yellow")])
    elif app.output != "text":
        facts: dict[str, JSONValue] = {"release": release, "namespace": namespace, "status": "uninstalled"}
        app.screen.document({**facts, **plan_data(plan), "warnings": list(app.screen.warnings)}, app.output)
    else:
        took = seconds(app.clock.monotonic() - app.started_s)
        kept = f", {len(plan.kept)} kept" if plan.kept else ""
        gone = counted(plan.count(Action.DELETE), "object")
        app.screen.lines([Line(f"release {release}: uninstalled ({gone} deleted{kept}, {took})", "green")])


def show_absence(app: App, release: str) -> None:
    """Say that there was nothing to uninstall."""
    if app.output != "text":
        app.screen.document({"release": release, "status": "not-found"}, app.output)
    else:
        app.screen.lines([Line(f"release {release}: not there, nothing to uninstall")])
