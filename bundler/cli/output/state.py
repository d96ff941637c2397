"""What ``bundler status`` and ``bundler wait`` print. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.output.releases import bundle_text, moment, status_text
from bundler.cli.terminal.text import Line, table
from bundler.model.health import Status
from bundler.model.release import ReleaseStatus
from bundler.model.size import counted
from bundler.wire.releases import state_form

if TYPE_CHECKING:
    from bundler.cli.session.app import App
    from bundler.cli.terminal.screen import Screen
    from bundler.model.release import Revision
    from bundler.model.release_state import ObjectStatus, ReleaseState

_EVIDENCE_LINES = 10
_STYLES = {Status.CURRENT: "green", Status.FAILED: "red", Status.NOT_FOUND: "red", Status.UNKNOWN: "dim"}


def show_state(app: App, state: ReleaseState) -> None:
    """Print a release, the health of its objects, and its notes."""
    if app.output != "text":
        app.screen.document(state_form(state), app.output)
        return
    summary, now = state.revision.summary, app.clock.now()
    app.screen.lines(
        [
            Line(f"release {summary.release} in namespace {summary.namespace}", "bold"),
            Line(f"  revision  {summary.revision}, {status_text(summary, now)}, {moment(summary.updated)}"),
            Line(f"  bundle    {bundle_text(summary)} {summary.bundle.digest}".rstrip()),
            *_description(state),
            Line(""),
            *_objects(state, app.screen),
        ]
    )
    is_gone = summary.status is ReleaseStatus.UNINSTALLED
    if not is_gone and (notes := state.revision.notes.strip("\n")):
        app.screen.lines([Line(""), Line(notes)])


def _description(state: ReleaseState) -> list[Line]:
    summary = state.revision.summary
    is_told = summary.description in {"", status_text(summary)}
    lines = [] if is_told else [Line(f"  because   {summary.description}", "yellow")]
    if summary.protection is not None and summary.protection.is_on:
        lines.append(Line(f"  {summary.protection}"))
    if state.order is not None:
        lines.append(Line(f"  kept by   {state.order}"))
    if summary.rollout is not None:
        lines.append(Line(f"  rollout   {summary.rollout}", "yellow"))
    if state.deployed is not None and state.deployed.revision != summary.revision:
        lines.append(Line(f"  deployed  revision {state.deployed.revision}, {bundle_text(state.deployed)}"))
    if state.went_back_from is not None:
        lines += _failure(state.went_back_from)
    return lines


def _failure(failed: Revision) -> list[Line]:
    """Say why the revision failed that was undone."""
    summary, evidence = failed.summary, failed.evidence.splitlines()
    lines = [Line(f"  failed    revision {summary.revision}, {bundle_text(summary)}, {moment(summary.updated)}", "red")]
    lines += [Line(f"            {line}") for line in evidence[:_EVIDENCE_LINES]]
    if len(evidence) > _EVIDENCE_LINES:
        why = f"bundler history {summary.release} -n {summary.namespace} --revision {summary.revision} --why"
        lines.append(Line(f"            and {counted(len(evidence) - _EVIDENCE_LINES, 'more line')}: `{why}`"))
    return lines


def _objects(state: ReleaseState, screen: Screen) -> list[Line]:
    """Return a line for each object, those that need a look first."""
    if state.revision.summary.status is ReleaseStatus.UNINSTALLED:
        return [Line("it was uninstalled: its history is left, and what an uninstall keeps", "dim")]
    objects = sorted(state.objects, key=_is_well)
    heads = ("OBJECT", "HEALTH", "READY", "DETAIL")
    rows = [tuple(screen.shown(cell) for cell in _row(one)) for one in objects]  # masked before anything is cut
    head, *lines = table(rows, heads=heads, columns=screen.columns, shrinking={"OBJECT", "DETAIL"})
    pairs = zip(lines, objects, strict=True)
    return [head, *(Line(line.text, _style(one)) for line, one in pairs)]


def _is_well(one: ObjectStatus) -> bool:
    return one.health.status is Status.CURRENT and not one.health.warning


def _style(one: ObjectStatus) -> str:
    return "yellow" if one.health.warning else _STYLES.get(one.health.status, "yellow")


def _row(one: ObjectStatus) -> tuple[str, str, str, str]:
    health = one.health
    count = f"{health.ready}/{health.wanted}" if health.wanted is not None else ""
    return (one.entry.ref.short, str(health.status), count, health.warning or health.message)
