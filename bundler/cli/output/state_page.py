"""``bundler status -o html``: a release on one page. Layer: cli."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from bundler.cli.output.drift import drift_lines
from bundler.cli.output.page import page
from bundler.cli.output.releases import bundle_text, moment, status_text
from bundler.cli.output.report import Listing, Report, Table
from bundler.model.health import Status
from bundler.model.lean import dataclass
from bundler.model.size import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bundler.cli.session.app import App
    from bundler.model.drift import ReleaseDrift
    from bundler.model.release import Revision, RevisionSummary
    from bundler.model.release_state import ObjectStatus, ReleaseState

_MARKS = {Status.CURRENT: "✓", Status.UNKNOWN: "?", Status.FAILED: "✗", Status.NOT_FOUND: "✗"}
"""A sign for each state, for those who do not see its colour; everything else is on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a page says of a release besides its state."""

    history: Sequence[RevisionSummary]
    """Its revisions, oldest first."""
    failed: Revision | None
    """The newest revision that says why it failed; None where none does."""
    drift: ReleaseDrift | None
    """None where nothing is deployed."""


def show_state_page(app: App, state: ReleaseState, about: About) -> None:
    """Print a release as one page: health by component, drift, history, why it failed last.

    Args:
        app: where to.
        state: of the release.
        about: the rest.
    """
    summary = state.revision.summary
    notes = tuple(state.revision.notes.strip("\n").split("\n")) if state.revision.notes.strip() else ()
    report = Report(
        title=f"release {summary.release} in namespace {summary.namespace}",
        summary=_sentence(state),
        facts={
            "revision": f"{summary.revision}, {status_text(summary)}, {moment(summary.updated)}",
            "because": summary.description if summary.description not in {"", status_text(summary)} else "",
            "deployed": _deployed(state),
            "bundle": f"{bundle_text(summary)} {summary.bundle.digest}".strip(),
            "by": summary.user,
            "protection": str(summary.protection or ""),
            "kept by": str(state.order or ""),
            "rollout": str(summary.rollout or ""),
        },
        listings=(
            Listing(title="Drifted", lines=tuple(drift_lines(about.drift)) if about.drift else ()),
            Listing(title="Not known", lines=state.unasked),
        ),
        tables=(*_components(state), _history(about.history)),
        ends=(*_evidence(about.failed), Listing(title="Notes", lines=notes)),
    )
    app.screen.text(page(report))


def _sentence(state: ReleaseState) -> str:
    ready = sum(one.health.status is Status.CURRENT for one in state.objects)
    word = "ready" if state.is_ready else "not ready"
    return f"{word}: {ready} of {counted(len(state.objects), 'object')}"


def _deployed(state: ReleaseState) -> str:
    deployed = state.deployed
    if deployed is None or deployed.revision == state.revision.summary.revision:
        return ""
    return f"revision {deployed.revision}, {bundle_text(deployed)}"


def _components(state: ReleaseState) -> Iterator[Table]:
    ordered = sorted(state.objects, key=lambda one: (one.entry.component, one.entry.ref))
    for component, objects in groupby(ordered, lambda one: one.entry.component):
        rows = tuple(map(_row, objects))
        title = f"Component {component}" if component else "The bundle's own objects"
        yield Table(title=title, heads=("Object", "Health", "Ready", "Detail"), rows=rows)


def _row(one: ObjectStatus) -> tuple[str, ...]:
    health = one.health
    count = f"{health.ready}/{health.wanted}" if health.wanted is not None else ""
    mark = "!" if health.warning else _MARKS.get(health.status, "…")
    return one.entry.ref.short, f"{mark} {health.status}", count, health.warning or health.message


def _history(history: Sequence[RevisionSummary]) -> Table:
    rows = tuple(
        (str(one.revision), moment(one.updated), status_text(one), bundle_text(one), one.user, one.description)
        for one in reversed(history)
    )
    return Table(title="History", heads=("Revision", "Updated", "Status", "Bundle", "By", "Description"), rows=rows)


def _evidence(failed: Revision | None) -> Iterator[Listing]:
    if failed is not None:
        title = f"Why revision {failed.summary.revision} failed"
        yield Listing(title=title, lines=tuple(failed.evidence.strip("\n").split("\n")))
