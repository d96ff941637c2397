"""How one revision, or a part of it, is shown. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.output.releases import bundle_text, moment, status_text
from bundler.cli.terminal.text import Line
from bundler.model.release import ReleaseStatus
from bundler.wire.releases import (
    entry_forms,
    evidence_form,
    manifest_form,
    notes_form,
    revision_form,
    standing_form,
)

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.model.json import Body
    from bundler.model.release import InventoryEntry, Revision
    from bundler.model.release_state import Standing


def show_evidence(app: App, revision: Revision) -> None:
    """Print why a revision failed, as it was reported then."""
    app.show(evidence_form(revision), _evidence_lines(revision))


def show_standing(app: App, standing: Standing) -> None:
    """Print why a release is as it is: the revision that runs, and what was tried beside it."""
    summary, by = standing.running.summary, standing.running.authorship
    runs = "running: " if summary.status is ReleaseStatus.DEPLOYED else ""
    facts = {"bundle": bundle_text(summary), "by": by.who, "command": by.command}
    lines = [*_evidence_lines(standing.running, head=runs)]
    lines += [Line(f"  {name:<8} {value}") for name, value in facts.items() if value]
    lines += _evidence_lines(standing.beside, head="not deployed: ") if standing.beside is not None else []
    app.show(standing_form(standing), lines)


def _evidence_lines(revision: Revision, *, head: str = "") -> list[Line]:
    summary = revision.summary
    lines = [Line(f"{head}revision {summary.revision}, {status_text(summary)}, {moment(summary.updated)}", "bold")]
    lines += [Line(f"  {summary.description}", "yellow")] if summary.description else []
    lines += [Line(f"  {line}") for line in revision.evidence.splitlines()]
    is_told = revision.evidence or summary.status.was_deployed
    return lines if is_told else [*lines, Line("  nothing more is recorded")]


def show_revision(app: App, revision: Revision) -> None:
    """Print who made a revision, from where, with what and why."""
    summary, by = revision.summary, revision.authorship
    facts = {
        "status": status_text(summary),
        "because": "" if summary.description in {by.reason, status_text(summary)} else summary.description,
        "bundle": f"{bundle_text(summary)} {summary.bundle.digest}".rstrip(),
        "taken from": summary.bundle.origin,
        "rolled back to": str(revision.rolled_back_to or ""),
        "created": moment(summary.created),
        "updated": moment(summary.updated),
        "by": by.who,
        "reason": by.reason,
        "outside windows": by.outside_window,
        "command": by.command,
        "bundler": by.tool_version,
        "cluster uid": by.cluster_uid,
        "objects": str(len(revision.inventory)),
    }
    lines = [Line(f"  {name:<15} {value}") for name, value in facts.items() if value]
    lines += [Line(f"  {'recreated':<15} {one}") for one in revision.recreated]
    lines += [Line(f"  {'taken':<15} {one}") for one in revision.taken]
    lines += [Line(f"  {'hook not run':<15} {one}", "yellow") for one in revision.skipped_hooks]
    lines += [Line(f"  {'accepted risk':<15} {line}", "yellow") for line in revision.accepted_risks]
    head = Line(f"release {summary.release}, revision {summary.revision}", "bold")
    app.show(revision_form(revision), [head, *lines])


def show_values(app: App, revision: Revision) -> None:
    """Print what the user gave."""
    show_data(app, revision.user_values)


def show_data(app: App, data: Body) -> None:
    """Print values."""
    app.screen.document(data, "json" if app.output == "json" else "yaml")


def show_manifest(app: App, revision: Revision) -> None:
    """Print the objects as they were sent."""
    if app.output != "text":
        app.screen.document(manifest_form(revision), app.output)
        return
    for entry in revision.inventory:
        if entry.manifest is not None:
            app.screen.text(f"---\n# {entry.source}\n")
            app.screen.document(entry.manifest.body, "yaml")


def show_notes(app: App, revision: Revision) -> None:
    """Print the notes."""
    if app.output == "text":
        app.screen.text(
            revision.notes if revision.notes.endswith("\n") or not revision.notes else revision.notes + "\n"
        )
    else:
        app.screen.document(notes_form(revision), app.output)


def show_recorded_plan(app: App, revision: Revision) -> None:
    """Print what a revision set out to own, in the order in which it was written."""
    app.show(entry_forms(revision), (Line(_entry_text(entry)) for entry in revision.inventory))


def _entry_text(entry: InventoryEntry) -> str:
    made = ", generated" if entry.is_generated else ""
    return f"stage {entry.stage.value} {entry.component or '-'} {entry.ref.short} ({entry.source}{made})"
