"""How releases and revisions are shown. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import wire
from bundler.cli.terminal.text import Line, table
from bundler.model.durations import short_duration
from bundler.model.release import ReleaseStatus
from bundler.model.rollout import RolloutState
from bundler.model.size import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bundler.cli.session.app import App
    from bundler.model.orders import KeepingOrder
    from bundler.model.release import AuditEntry, Protection, RevisionSummary
    from bundler.model.results import MigratedStorage
    from bundler.model.rollout import Rollout

_LONG_PAUSE_S = 24 * 3600
_STYLES = {ReleaseStatus.FAILED: "red", ReleaseStatus.INTERRUPTED: "red", ReleaseStatus.UNINSTALLED: "dim"}


def show_releases(
    app: App,
    summaries: Sequence[RevisionSummary],
    deployed: Mapping[tuple[str, str], int],
    orders: Sequence[KeepingOrder] = (),
    *,
    nothing: str = "",
) -> None:
    """Print the newest revision of each release, those that need a look first.

    Args:
        app: where to.
        summaries: newest revisions.
        deployed: of releases that are upgraded in steps, by namespace and name: the revision that is deployed.
        orders: that keep some of them.
        nothing: what is said where there are none.
    """
    if app.output != "text":
        app.screen.document(wire.releases.kept_forms(summaries, orders), app.output)
        return
    kept = {(one.ref.namespace, one.ref.name): str(one) for one in orders}
    ordered = sorted(summaries, key=lambda s: s.status.was_deployed or s.status is ReleaseStatus.UNINSTALLED)
    now = app.clock.now()
    rows = [
        (
            s.namespace,
            s.release,
            str(s.revision),
            _listed_text(s, deployed.get((s.namespace, s.release), 0), now),
            bundle_text(s),
            moment(s.updated),
            *([kept.get((s.namespace, s.release), "")] if kept else []),
        )
        for s in ordered
    ]
    heads = ("NAMESPACE", "RELEASE", "REVISION", "STATUS", "BUNDLE", "UPDATED", *(["KEPT BY"] if kept else []))
    lines = table(rows, heads=heads, columns=app.screen.columns, shrinking={"NAMESPACE", "RELEASE", "BUNDLE"})
    app.screen.lines(styled(lines, ordered))
    if not summaries:
        app.screen.say(nothing)


def show_history(app: App, summaries: Sequence[RevisionSummary], orders: Sequence[KeepingOrder]) -> None:
    """Print the revisions of one release.

    Args:
        app: where to.
        summaries: its revisions, oldest first.
        orders: the one that keeps it, if any does.
    """
    if app.output != "text":
        app.screen.document(wire.releases.kept_forms(summaries, orders), app.output)
        return
    now = app.clock.now()
    rows = [
        (
            str(s.revision),
            moment(s.updated),
            status_text(s, now),
            bundle_text(s),
            s.user,
            app.screen.shown(_described(s)),
        )
        for s in summaries
    ]
    heads = ("REVISION", "UPDATED", "STATUS", "BUNDLE", "BY", "DESCRIPTION")
    lines = table(rows, heads=heads, columns=app.screen.columns, shrinking={"BUNDLE", "BY", "DESCRIPTION"})
    app.screen.lines(styled(lines, summaries))
    if summaries and (protection := summaries[-1].protection):
        app.screen.say(f"the release is {protection}")
    for order in orders:
        app.screen.say(f"the release is kept by {order}")


def _described(summary: RevisionSummary) -> str:
    """Return what became of a revision, and how often drift from it was put back."""
    corrected = f"drift was put back {counted(summary.corrected, 'time')}" if summary.corrected else ""
    return "; ".join(part for part in (summary.description, corrected) if part)


def show_migrated(app: App, result: MigratedStorage, *, is_dry_run: bool) -> None:
    """Print in which version the objects of a kind are stored.

    Args:
        app: where to.
        result: what was found and written.
        is_dry_run: nothing was written.
    """
    number = counted(result.objects, "object")
    if not result.is_changed:
        said = f"{result.storage} alone is stored already"
    elif is_dry_run:
        said = f"{number} would be stored as {result.storage}; nothing was written"
    else:
        said = f"{number} stored as {result.storage}, which alone is stored now (before: {', '.join(result.before)})"
    outside = f"; outside the deployment windows: {result.outside_window}" if result.outside_window else ""
    app.show(wire.releases.migrated_form(result), [Line(f"{result.definition}: {said}{outside}", "green")])


def show_protection(app: App, release: str, namespace: str, protection: Protection) -> None:
    """Print whether a release is protected now.

    Args:
        app: where to.
        release: its name.
        namespace: where it is.
        protection: as it is recorded.
    """
    form = wire.releases.protect_form(release, namespace, protection)
    app.show(form, [Line(f"release {release}: {protection}", "green")])


def nothing_found(what: str, *, is_everywhere: bool) -> str:
    """Return what is said where a list is empty.

    Args:
        what: the things that were looked for: ``revisions``.
        is_everywhere: in every namespace; where not, the option that does so is named.
    """
    return f"no {what} in any namespace" if is_everywhere else f"no {what} here; -A looks in every namespace"


def show_trail(app: App, entries: Sequence[AuditEntry], *, nothing: str) -> None:
    """Print who made each revision of each release.

    Args:
        app: where to.
        entries: revisions, oldest first.
        nothing: what is said where there are none.
    """
    if app.output != "text":
        app.screen.document(wire.releases.audit_forms(entries), app.output)
        return
    now = app.clock.now()
    rows = [
        (
            moment(entry.summary.created),
            entry.summary.namespace,
            entry.summary.release,
            str(entry.summary.revision),
            status_text(entry.summary, now),
            bundle_text(entry.summary),
            entry.authorship.who,
            app.screen.shown(entry.summary.description or entry.authorship.reason),
        )
        for entry in entries
    ]
    heads = ("CREATED", "NAMESPACE", "RELEASE", "REVISION", "STATUS", "BUNDLE", "BY", "DESCRIPTION")
    shrinking = {"NAMESPACE", "RELEASE", "BUNDLE", "BY", "DESCRIPTION"}
    lines = table(rows, heads=heads, columns=app.screen.columns, shrinking=shrinking)
    app.screen.lines(styled(lines, [entry.summary for entry in entries]))
    if not entries:
        app.screen.say(nothing)


def styled(lines: list[Line], summaries: Sequence[RevisionSummary]) -> list[Line]:
    """Colour the rows of a table by status; the first line is its head."""
    head, *rows = lines
    return [head, *(Line(row.text, _STYLES.get(s.status, "")) for row, s in zip(rows, summaries, strict=True))]


def status_text(summary: RevisionSummary, now: datetime | None = None) -> str:
    """Return a status as people read it.

    Args:
        summary: of the revision.
        now: to say since when a rollout is as it is; None leaves that out.
    """
    if summary.rollout is not None:
        return f"rolling ({rollout_text(summary.rollout, now)})"
    is_left = not summary.is_waited and summary.status.was_deployed
    return f"{summary.status}, not waited" if is_left else str(summary.status)


def rollout_text(rollout: Rollout, now: datetime | None = None) -> str:
    """Return ``step 1 of 2, paused 3h``.

    Args:
        rollout: an open one.
        now: to say since when it is so; None leaves that out.
    """
    lasting = f" {short_duration(rollout.for_s(now))}" if now else ""
    return f"step {rollout.step} of {rollout.steps}, {rollout.state}{lasting}"


def warn_of_pause(app: App, summary: RevisionSummary) -> None:
    """Warn of a rollout that has waited for someone for a day: two versions run beside each other."""
    rollout = summary.rollout
    if rollout is None or rollout.state is not RolloutState.PAUSED:
        return
    paused_s = rollout.for_s(app.clock.now())
    if paused_s >= _LONG_PAUSE_S:
        place = f"{summary.release} -n {summary.namespace}"
        app.screen.warn(
            f"revision {summary.revision} has been paused at step {rollout.step} of {rollout.steps} for "
            f"{short_duration(paused_s)}: `bundler continue {place}` or `bundler abort {place}`"
        )


def _listed_text(summary: RevisionSummary, deployed: int, now: datetime) -> str:
    """Return the status of a release: of its newest revision, and of the deployed one while that is replaced."""
    said = status_text(summary, now)
    if summary.rollout is not None:
        before = f"deployed {deployed}, " if deployed else ""
        said = f"{before}rolling {summary.revision} ({rollout_text(summary.rollout, now)})"
    is_protected = summary.protection is not None and summary.protection.is_on
    return f"{said}, protected" if is_protected else said


def bundle_text(summary: RevisionSummary) -> str:
    """Return ``shop 1.4.0``."""
    return f"{summary.bundle.name} {summary.bundle.version}"


def moment(when: datetime) -> str:
    """Return a time of day in UTC, to the second."""
    return f"{when.isoformat(' ', 'seconds')[:19]}Z"
