"""How open rollouts are shown. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.output.releases import bundle_text, moment
from bundler.cli.terminal.text import Line, table
from bundler.model.rollout import PodCount, Template
from bundler.wire.releases import summary_form
from bundler.wire.rollouts import progress_form

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bundler.cli.session.app import App
    from bundler.model.release import RevisionSummary
    from bundler.model.release_state import RolloutProgress
    from bundler.model.rollout import Rollout, SeenWorkload

_HEADS = ("COMPONENT", "WORKLOADS", "OLD", "NEW", "SHARE", "STEP", "STATE", "SINCE", "BY", "GATES")
_SHRINKING = {"COMPONENT", "WORKLOADS", "BY", "GATES"}


def show_progress(app: App, progress: RolloutProgress) -> None:
    """Print how far a rollout has come: a line for each component, and what is wrong."""
    rows = [tuple(map(app.screen.shown, row)) for row in _rows(progress)]
    why = progress.rollout.reason
    app.show(
        progress_form(progress),
        [
            Line(_title(progress), "bold"),
            *table(rows, heads=_HEADS, columns=app.screen.columns, shrinking=_SHRINKING),
            *([Line(f"{progress.rollout.state}: {app.screen.shown(why)}", "yellow")] if why else []),
            *(Line(app.screen.shown(line), "red") for one in progress.workloads for line in _wrong(one)),
        ],
    )


def show_paused(app: App, summary: RevisionSummary) -> None:
    """Print how far a rollout had come when it was paused."""
    said = f"release {summary.release}: revision {summary.revision} at {summary.rollout}"
    app.show(summary_form(summary), [Line(said, "green")])


def _title(progress: RolloutProgress) -> str:
    summary, deployed = progress.summary, progress.deployed
    before = f" in place of revision {deployed.revision} ({bundle_text(deployed)})" if deployed else ""
    new = f"revision {summary.revision} ({bundle_text(summary)})"
    return f"release {summary.release} in namespace {summary.namespace}: {new}{before}"


def _rows(progress: RolloutProgress) -> Iterator[tuple[str, ...]]:
    rollout = progress.rollout
    since = moment(rollout.since) if rollout.since else ""
    step = f"{rollout.step} of {rollout.steps}"
    for component in sorted(rollout.shares):
        here = [one for one in progress.workloads if one.component == component]
        yield (
            component or progress.summary.bundle.name,
            ", ".join(one.ref.short for one in here),
            _pods([one.old for one in here]),
            _pods([one.new for one in here]),
            _share(rollout, component, here),
            step,
            str(rollout.state),
            since,
            rollout.by,
            _gates(rollout),
        )


def _pods(counts: Sequence[PodCount]) -> str:
    """Return ``7/8``: how many are ready, of how many there are."""
    return f"{sum(one.ready for one in counts)}/{sum(one.there for one in counts)}"


def _share(rollout: Rollout, component: str, workloads: Sequence[SeenWorkload]) -> str:
    """Return ``10% (1 of 10)``: what the step asks for, and what that means now."""
    share = rollout.share(component, rollout.step)
    pods, replicas = (sum(share.pods(one.replicas) for one in workloads), sum(one.replicas for one in workloads))
    return f"{share} ({pods} of {replicas})"


def _gates(rollout: Rollout) -> str:
    return ", ".join(f"{name} passed" if name in rollout.passed else name for name in rollout.gates)


def _wrong(one: SeenWorkload) -> Iterator[str]:
    """Yield what keeps a workload from moving on, a line each."""
    yield from (f"{one.ref.short}: {line}" for line in (*one.new.failed, *one.old.failed))
    if one.template is Template.OTHER:
        yield f"{one.ref.short}: someone else wrote its pod template"
    if one.is_contested:
        yield f"{one.ref.short}: someone else wrote a field by which its pods are held back"
