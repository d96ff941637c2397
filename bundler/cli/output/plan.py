"""How a plan is shown: reach first, then every object, then what stays. Layer: cli, pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bundler.cli.output.causes import by_path, with_reasons
from bundler.cli.output.report import Listing
from bundler.cli.output.steps import stepped_lines
from bundler.cli.terminal.text import Line
from bundler.model.change import Action
from bundler.model.lean import dataclass, replace
from bundler.model.size import counted
from bundler.planning.conflicts import change_notes
from bundler.planning.diff import has_one_side, object_diff
from bundler.planning.planned_steps import planned_steps
from bundler.planning.replaced import with_replaced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bundler.model.change import Change, Plan, ReachNote
    from bundler.model.cluster import ClusterIdentity

SIGNS = {
    Action.CREATE: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.RECREATE: ("-/+", "alarm"),
    Action.DELETE: ("-", "red"),
}
_COUNTED = (
    (Action.CREATE, "create"),
    (Action.UPDATE, "update"),
    (Action.RECREATE, "recreate"),
    (Action.DELETE, "delete"),
)
_UNVERIFIED_SHOWN = 3
_ALARMING = {"conflict", "refused", "breaks", "lost"}
DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """How much of a plan is shown."""

    namespace: str
    has_diffs: bool = True
    """Show what changes inside objects that are updated."""
    has_bodies: bool = False
    """Show objects that are created or deleted whole."""
    shows_secrets: bool = False
    is_full: bool = False
    """Show bundler's own stamps."""
    marks_unverified: bool = True
    """Say at each object that the server could not check it yet."""


def identity_line(identity: ClusterIdentity, namespace: str) -> Line:
    """Return the line that every changing run begins with."""
    place = f"{identity.server}, uid {identity.uid or 'unknown'}"
    return Line(f"cluster={identity.context} ({place}) namespace={namespace} user={identity.who}", "bold")


def damage_lines(damaged: Sequence[str], unsearched: Iterable[str]) -> Iterator[Line]:
    """Return which revisions cannot be read, and what that means for the plan; nothing where all can."""
    for line in damaged:
        yield Line(f"! {line}", "alarm")
    if not damaged:
        return
    gave, they = ("it was", "it") if len(damaged) == 1 else ("they were", "they")
    lost = f"the values {gave} given are lost; what {they} owned was looked for by the release's label"
    yield Line(f"  {lost}", "yellow")
    if kinds := ", ".join(sorted(set(unsearched))):
        yield Line(f"  these kinds may not be listed, and what is left of them stays: {kinds}", "yellow")


def plan_lines(plan: Plan, view: PlanView) -> Iterator[Line]:
    """Return a plan as text."""
    yield from reach_lines(plan.reach)
    shown = [change for change in with_replaced(plan.changes) if change.action is not Action.NONE]
    unverified = [change for change in shown if not change.is_verified]
    are_many = len(unverified) > _UNVERIFIED_SHOWN
    for change, because in with_reasons(shown, by_path(plan.values)):
        yield from change_lines(change, replace(view, marks_unverified=not are_many), because)
    if are_many:
        number = counted(len(unverified), "object")
        yield Line(f"the server checks {number} only once the namespace, or what else they need, is there", "dim")
    yield from rest_lines(plan, view.namespace)
    yield Line(count_line(plan), "bold")


def rest_lines(plan: Plan, namespace: str) -> Iterator[Line]:
    """Return what a plan says below its changes: what stays, what went, hooks that do not run, and steps."""
    yield from (Line(f"= keep {text}", "dim") for text in kept_texts(plan, namespace))
    yield from (Line(f"= gone {text}", "yellow") for text in _gone_texts(plan, namespace))
    yield from (Line(f"= skip hook {text}", "yellow") for text in _skipped_texts(plan, namespace))
    yield from stepped_lines(planned_steps(plan.steps), namespace)


def rest_listings(plan: Plan, namespace: str) -> tuple[Listing, Listing]:
    """Return what went with its kind and which hooks do not run, as parts of a report."""
    return (
        Listing(title="Gone", lines=tuple(_gone_texts(plan, namespace))),
        Listing(title="Hooks that do not run", lines=tuple(_skipped_texts(plan, namespace))),
    )


def _skipped_texts(plan: Plan, namespace: str) -> Iterator[str]:
    return (f"{one.ref.seen_from(namespace)} ({one.reason})" for one in plan.skipped_hooks)


def _gone_texts(plan: Plan, namespace: str) -> Iterator[str]:
    return (f"{one.ref.seen_from(namespace)}: {one.reason}" for one in plan.gone)


def kept_texts(plan: Plan, namespace: str) -> Iterator[str]:
    """Return what stays although its release no longer wants it, and why: a text each."""
    return (f"{kept.ref.seen_from(namespace)}: {kept.reason}" for kept in plan.kept)


def reach_lines(notes: Iterable[ReachNote]) -> Iterator[Line]:
    """Return what a plan does outside its namespace, loud."""
    for note in notes:
        yield Line(f"! {note.kind}: {note.subject}{reach_remark(note)}", "alarm")


def reach_remark(note: ReachNote) -> str:
    """Return what is said of one way out beside its kind and its subject."""
    if note.is_live is not None:
        return "" if note.is_live else " (not live now)"
    return " (not declared by the bundle)" if note.is_undeclared else ""


def change_lines(change: Change, view: PlanView, because: Iterable[str] = ()) -> Iterator[Line]:
    """Return one change: what is done to which object, why, and what differs in it.

    Args:
        change: of the plan.
        view: how much of it is shown.
        because: the reasons, a line each.
    """
    sign, style = SIGNS[change.action]
    is_whole = has_one_side(change)
    if not (view.has_bodies if is_whole else view.has_diffs):
        yield Line(f"{sign} {_headline(change, view)}", style)
        yield from (*because_lines(because), *note_lines(change))
        return
    diff = object_diff(change, shows_secrets=view.shows_secrets, is_full=view.is_full)
    stamps = " (bundler's labels only)" if diff.is_stamps_only else ""
    yield Line(f"{sign} {_headline(change, view)}{stamps}", style)
    yield from (*because_lines(because), *note_lines(change))
    yield from (Line(f"    {line}", DIFF_STYLES.get(line[:1], "")) for line in diff.lines)


def because_lines(because: Iterable[str]) -> Iterator[Line]:
    """Return why an object changes, below its name."""
    return (Line(f"    {line}", "cyan") for line in because)


def note_lines(change: Change) -> Iterator[Line]:
    """Return what is to be said of a change beside its difference, a line each."""
    for word, said in change_notes(change):
        yield Line(f"    ! {word}: {said}", "alarm" if word in _ALARMING else "yellow")


def _headline(change: Change, view: PlanView) -> str:
    remarks = [
        change.reason,
        "" if change.is_verified or not view.marks_unverified else "checked once what it needs is there",
        "replicas follow the autoscaler" if change.is_autoscaled and change.action is Action.UPDATE else "",
        _patched_by(change),
    ]
    said = "; ".join(remark for remark in remarks if remark)
    return f"{change.action} {change.ref.seen_from(view.namespace)}{f' ({said})' if said else ''}"


def _patched_by(change: Change) -> str:
    sources = change.desired.patched_by if change.desired is not None else ()
    return f"patched by {', '.join(map(str, sources))}" if sources else ""


def count_line(plan: Plan) -> str:
    """Return how much a plan does: ``plan: 25 to create, 3 unchanged``."""
    return f"plan: {counted_changes(plan)}"


def counted_changes(plan: Plan) -> str:
    """Return how much a plan does, as it is shown: ``25 to create, 3 unchanged``."""
    contested = sum(bool(change.conflicts) for change in plan.changes)
    number = Counter(change.action for change in with_replaced(plan.changes))
    return counts_text(number, kept=len(plan.kept), contested=contested)


def counts_text(number: Mapping[Action, int], *, kept: int, contested: int = 0) -> str:
    """Return numbers of changes in words.

    Args:
        number: of changes, by what they do.
        kept: objects that stay although they are not wanted any more.
        contested: objects with fields in conflict.
    """
    parts = [f"{number[action]} to {word}" for action, word in _COUNTED if number[action]]
    parts += [f"{number[Action.NONE]} unchanged"] if number[Action.NONE] else []
    parts += [f"{kept} kept"] if kept else []
    parts += [f"{contested} in conflict"] if contested else []
    return ", ".join(parts) or counted(0, "object")
