"""How the steps of an upgrade are shown. Layer: cli, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.cli.output.report import Listing
from bundler.cli.terminal.text import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.model.steps import Paced
    from bundler.planning.planned_steps import PlannedStep, PlannedSteps

_WHOLE_PERCENT = 100


def stepped_lines(steps: PlannedSteps | None, namespace: str) -> Iterator[Line]:
    """Return the steps that are left; nothing for a plan without steps."""
    for listing in stepped_listings(steps, namespace):
        yield Line(f"{listing.title}:", "bold")
        yield from (Line(f"  {line}") for line in listing.lines)


def stepped_listings(steps: PlannedSteps | None, namespace: str) -> tuple[Listing, ...]:
    """Return the steps that are left as a part of a report; nothing for a plan without steps."""
    if steps is None:
        return ()
    first, last = steps.steps[0].number, steps.finish
    title = f"In {last} steps" if first == 1 else f"In steps {first} to {last}"
    lines = (*(_step_text(one, namespace) for one in steps.steps), _finish_text(steps, namespace))
    return (Listing(title=title, lines=lines),)


def _step_text(step: PlannedStep, namespace: str) -> str:
    parts = [
        ", ".join(f"{one.ref.seen_from(namespace)} {paced_text(one)}" for one in step.workloads),
        f"gates: {', '.join(step.gates)}" if step.gates else "",
        "then a pause" if step.is_pause_after else "",
    ]
    return f"step {step.number}: {'; '.join(filter(None, parts))}"


def paced_text(one: Paced) -> str:
    """Return how many pods of a workload are new ones: ``1 of 3 pods (33 %)``, ``25%, now 1 of 3 pods (33 %)``."""
    asked = f"{one.share}, now " if one.share.endswith("%") else ""
    percent = f" ({round(_WHOLE_PERCENT * one.pods / one.of)} %)" if one.of else ""
    return f"{asked}{one.pods} of {one.of} pods{percent}"


def _finish_text(steps: PlannedSteps, namespace: str) -> str:
    waiting, deleted = (", ".join(ref.seen_from(namespace) for ref in refs) for refs in (steps.waiting, steps.deleted))
    parts = [
        "all pods",
        f"what waits for it: {waiting}" if waiting else "",
        f"what is deleted: {deleted}" if deleted else "",
    ]
    return f"step {steps.finish}, the finish: {'; then '.join(filter(None, parts))}"
