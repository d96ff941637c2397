"""How a saved plan is shown: text, data, Markdown or one page. Layer: cli."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from bundler.cli.output.causes import because, by_path, with_reasons
from bundler.cli.output.markdown import markdown
from bundler.cli.output.page import page
from bundler.cli.output.plan import (
    DIFF_STYLES,
    SIGNS,
    because_lines,
    counts_text,
    kept_texts,
    reach_lines,
    reach_remark,
    rest_lines,
    rest_listings,
)
from bundler.cli.output.report import Item, Listing, Report
from bundler.cli.output.steps import paced_text, stepped_listings
from bundler.cli.terminal.text import Line
from bundler.model.change import Action
from bundler.model.conflicts import OnConflict
from bundler.model.rollout import OnFailure
from bundler.model.saved_plan import PlannedVerb
from bundler.model.size import counted, first_of
from bundler.model.steps import Advance, Await, Delete, Discard, Moment, Pause, Record, RunJob, Until, Verify, Write
from bundler.planning.planned_steps import planned_steps
from bundler.values.paths import pointer_as_path
from bundler.wire.saved_plan import saved_plan_form

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from bundler.cli.session.app import App
    from bundler.model.refs import ObjectRef
    from bundler.model.rollout import RolloutRequest
    from bundler.model.saved_plan import SavedChange, SavedPlan
    from bundler.model.steps import Step, Target

_NAMES_SHOWN = 4
_ON_FAILURE = {
    OnFailure.ABORT: "one that fails aborts the upgrade",
    OnFailure.PAUSE: "one that fails pauses the upgrade",
}
_KEPT = "never deleted by bundler"
_NOTHING = "nothing changes, and no revision is recorded"


def show_saved(app: App, saved: SavedPlan, *, max_bytes: int = 0) -> None:
    """Print a saved plan on stdout in the form that -o asks for.

    Args:
        app: where to.
        saved: the plan.
        max_bytes: of Markdown; 0: all of it.
    """
    match app.output:
        case "text":
            app.screen.lines(saved_lines(saved))
        case "markdown":
            app.screen.text(markdown(report_of(saved), max_bytes=max_bytes))
        case "html":
            app.screen.text(page(report_of(saved)))
        case _:
            app.screen.document(saved_plan_form(saved), app.output)


def headline(saved: SavedPlan) -> str:
    """Return what a plan is: ``upgrade release shop in namespace prod to shop 1.4.0``."""
    request, bundle = saved.request, saved.facts.bundle
    where = f"release {request.release} in namespace {request.namespace}"
    match request.verb:
        case PlannedVerb.INSTALL:
            verb = "upgrade" if saved.facts.base.revision else "install"
            return f"{verb} {where} to {bundle.name} {bundle.version}"
        case PlannedVerb.ROLLBACK:
            return f"roll back {where} to revision {request.revision}, {bundle.name} {bundle.version}"
        case PlannedVerb.UNINSTALL:
            return f"uninstall {where}"
        case _:
            assert_never(request.verb)


def saved_counts(saved: SavedPlan) -> str:
    """Return how much a plan does: ``25 to create, 3 unchanged``."""
    number = {action: sum(change.action is action for change in saved.changes) for action in Action}
    return counts_text({**number, Action.NONE: saved.unchanged}, kept=len(saved.facts.plan.kept))


def facts_of(saved: SavedPlan) -> dict[str, str]:
    """Return what a reader must know before the objects, a line each."""
    request, facts = saved.request, saved.facts
    base = (
        f"revision {facts.base.revision} ({facts.base.said})" if facts.base.revision else "the release does not exist"
    )
    by = saved.user + (f" on {saved.host}" if saved.host else "")
    bundle = f"{facts.bundle.name} {facts.bundle.version} {facts.bundle.digest}".strip()
    return {
        "made": f"{_moment(saved.created)}, by {by}, bundler {saved.tool_version}",
        "expires": _moment(saved.expires) if saved.expires else "",
        "cluster": f"{saved.cluster}, uid {facts.cluster_uid or 'unknown'}",
        "base": base,
        "bundle": f"{bundle}{f', from {request.bundle}' if request.bundle else ''}",
        "site file": f"{request.site} {request.site_digest}".strip(),
        "accepts": ", ".join(word.replace("_", " ") for word in request.accepts),
        "adopts": ", ".join(request.adopts),
        "recreates": ", ".join(request.recreates),
        "conflicts": "" if request.on_conflict is OnConflict.FAIL else f"--on-conflict {request.on_conflict}",
        "hooks": "not run (--no-hooks)" if request.skips_hooks else "",
        "steps": _steps_asked(request.rollout) if request.rollout else "",
        "on failure": f"rolled back, in at most {request.rollback_s:.0f} s" if request.rollback_s else "",
        "reason": request.reason,
    }


def _steps_asked(asked: RolloutRequest) -> str:
    """Return what was asked of an upgrade in steps and its steps do not show."""
    parts = [
        "taken all at once, whatever the bundle says" if asked.in_one_step else "",
        f"pods stay ready for {asked.soak_s} s" if asked.soak_s else "",
        f"each in at most {asked.step_timeout_s} s" if asked.step_timeout_s else "",
        _ON_FAILURE[asked.on_failure] if asked.on_failure else "",
        "old pods may read new settings" if asked.accepts_shared_config else "",
    ]
    return "; ".join(filter(None, parts))


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _value_lines(saved: SavedPlan) -> tuple[str, ...]:
    values = saved.values
    asked = [f"{pointer_as_path(pointer)}: sensitive, kept as a salted digest" for pointer in values.sensitive]
    return (*values.changes, *asked)


def saved_lines(saved: SavedPlan) -> Iterator[Line]:
    """Return a saved plan as text."""
    yield Line(headline(saved), "bold")
    yield from (Line(f"  {name:<10} {value}") for name, value in facts_of(saved).items() if value)
    if saved.values.start:
        yield Line(f"values start from {saved.values.start}")
    yield from (Line(f"  {line}", "cyan") for line in _value_lines(saved))
    yield from (Line(f"warning: {text}", "yellow") for text in saved.warnings)
    yield from reach_lines(saved.facts.plan.reach)
    yield from (Line(f"+ create Namespace/{name} ({_KEPT})", "green") for name in saved.namespaces)
    for change, reasons in with_reasons(saved.changes, by_path(saved.changed_values)):
        sign, style = SIGNS[change.action]
        yield Line(f"{sign} {change.action} {_name(saved, change)}{_remark(change)}", style)
        yield from because_lines(reasons)
        yield from (Line(f"    ! {word}: {said}", "yellow") for word, said in change.notes)
        yield from (Line(f"    {line}", DIFF_STYLES.get(line[:1], "")) for line in change.lines)
    yield from rest_lines(saved.facts.plan, saved.request.namespace)
    yield Line("in this order:" if saved.is_pending else _NOTHING, "dim")
    yield from (Line(f"  {number}. {text}", "dim") for number, text in enumerate(step_lines(saved), start=1))
    yield Line(f"plan: {saved_counts(saved)}", "bold")


def _name(saved: SavedPlan, change: SavedChange) -> str:
    return change.ref.seen_from(saved.request.namespace)


def _remark(change: SavedChange) -> str:
    remarks = [change.reason, "" if change.is_verified else "checked once what it needs is there"]
    said = "; ".join(remark for remark in remarks if remark)
    return f" ({said})" if said else ""


def report_of(saved: SavedPlan) -> Report:
    """Return a saved plan as it is read away from a terminal."""
    plan, values_by_path = saved.facts.plan, by_path(saved.changed_values)
    namespaces = tuple(Item(action=Action.CREATE, name=f"Namespace/{name}", remark=_KEPT) for name in saved.namespaces)
    items = tuple(
        Item(
            action=change.action,
            name=_name(saved, change),
            remark=_remark(change)[2:-1],
            because=because(change.causes, values_by_path),
            notes=change.notes,
            lines=change.lines,
        )
        for change in saved.changes
    )
    values = Listing(title=f"Values (from {saved.values.start or 'the record'})", lines=_value_lines(saved))
    return Report(
        title=headline(saved),
        summary=f"plan: {saved_counts(saved)}",
        facts=facts_of(saved),
        listings=(
            values,
            Listing(title="Warnings", lines=saved.warnings),
            *rest_listings(plan, saved.request.namespace),
        ),
        alarms=tuple((note.kind, f"{note.subject}{reach_remark(note)}") for note in plan.reach),
        items=(*namespaces, *items),
        kept=tuple(kept_texts(plan, saved.request.namespace)),
        ends=(
            *stepped_listings(planned_steps(plan.steps), saved.request.namespace),
            Listing(title="In this order", lines=tuple(step_lines(saved)), is_ordered=True),
        ),
    )


def step_lines(saved: SavedPlan) -> Iterator[str]:
    """Return every step of a plan, a line each; none where carrying it out does nothing."""
    return (_step_line(step) for step in saved.facts.plan.steps if saved.is_pending)


def _step_line(step: Step) -> str:
    match step:
        case Record():
            text = "record the intention" if step.moment is Moment.BEGUN else "record the outcome"
        case Verify():
            text = f"check {_names(step.refs)}, {step.which}"
        case Write():
            text = f"{_written(step.targets)}{_of(step.component)}"
        case RunJob():
            text = f"run {step.target.ref.short}{_of(step.component)}"
        case Delete():
            text = f"delete {_names(tuple(target.ref for target in step.targets))}{_of(step.component)}"
        case Discard():
            text = f"delete what hooks needed{_of(step.component)}: {_names(step.refs)}"
        case Await():
            text = f"wait until {_UNTIL[step.until]}{_of(step.component)}: {_names(step.refs)}"
        case Advance():
            moved = ", ".join(f"{one.ref.short} {paced_text(one)}" for one in step.workloads)
            text = f"step {step.number}: {moved}{_asking(step.gates)}"
        case Pause():
            text = f"pause: {step.reason}"
        case _:
            assert_never(step)
    return text


def _written(targets: tuple[Target, ...]) -> str:
    """Return which objects are written; one that is deleted first says so."""
    again = tuple(target.ref for target in targets if target.action is Action.RECREATE)
    others = tuple(target.ref for target in targets if target.ref not in again)
    texts = (f"write {_names(others)}" if others else "", f"delete and create again {_names(again)}" if again else "")
    return "; ".join(filter(None, texts))


def _asking(gates: tuple[str, ...]) -> str:
    return f"; gates: {', '.join(gates)}" if gates else ""


_UNTIL = {
    Until.READY: "ready",
    Until.SUCCEEDED: "made",
    Until.COMPLETE: "complete",
    Until.ESTABLISHED: "served by the API",
    Until.GONE: "gone",
}


def _names(refs: tuple[ObjectRef, ...]) -> str:
    names = first_of([ref.short for ref in refs], _NAMES_SHOWN)
    return ", ".join(names) if len(refs) <= _NAMES_SHOWN else f"{counted(len(refs), 'object')} ({', '.join(names)})"


def _of(component: str) -> str:
    return f" of {component}" if component else ""
