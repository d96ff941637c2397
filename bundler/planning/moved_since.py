"""What has moved since a plan was saved. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from bundler.model.refs import ObjectRef
from bundler.model.size import first_of
from bundler.model.steps import Advance, Await, Delete, Discard, Pause, RunJob, Target, Write, targets_of

if TYPE_CHECKING:
    from bundler.model.change import Plan
    from bundler.model.saved_plan import BaseRevision, LiveFact, PlanFacts

_SHOWN: Final = 20


def moved_since(saved: PlanFacts, now: PlanFacts) -> list[str]:
    """Return what is not as it was when a plan was saved, a line each; nothing where the plan still holds.

    Which cluster it is, :func:`is_other_cluster` says.

    Args:
        saved: what held then.
        now: the same, of the plan that the same request leads to now.
    """
    if lines := [*moved_base(saved.base, now.base)]:
        return lines
    moved = dict(_objects(saved.live, now.live))
    lines = [*moved.values(), *_targets(saved.plan, now.plan, moved)]
    if not lines and _shares(saved.plan) != _shares(now.plan):
        lines = ["the upgrade would go in other steps"]
    if not lines and _outline(saved.plan) != _outline(now.plan):
        lines = ["the order of the steps is another one"]
    return first_of([*_bundle(saved, now), *lines, *_others(saved.plan, now.plan)], _SHOWN)


def is_other_cluster(saved: PlanFacts, *, uid: str, server: str) -> bool:
    """Return whether a plan was made for another cluster.

    Args:
        saved: what held then.
        uid: of the cluster; empty where it may not be read.
        server: its address.
    """
    return saved.cluster_uid != uid if saved.cluster_uid and uid else saved.server != server


def moved_base(saved: BaseRevision, now: BaseRevision) -> Iterator[str]:
    """Yield that the release is at another revision than when a plan was saved.

    Args:
        saved: what the newest revision was.
        now: what it is.
    """
    if (saved.revision, saved.uid) == (now.revision, now.uid):
        return
    if now.revision == 0:
        yield f"the release is gone; the plan was made on revision {saved.revision}"
    elif saved.revision == 0:
        yield f"the release did not exist, and is now at revision {now.revision} ({now.said})"
    elif now.revision == saved.revision:
        yield f"the release was uninstalled and installed again; it is at revision {now.revision} ({now.said})"
    else:
        yield f"it was made on revision {saved.revision}, and the release is at revision {now.revision} ({now.said})"


def _bundle(saved: PlanFacts, now: PlanFacts) -> Iterator[str]:
    if saved.bundle.digest != now.bundle.digest:
        yield f"the bundle was {saved.bundle.digest}, and is {now.bundle.digest}"


def _objects(saved: Mapping[ObjectRef, LiveFact], now: Mapping[ObjectRef, LiveFact]) -> Iterator[tuple[ObjectRef, str]]:
    for ref in sorted({*saved, *now}):
        before, after = saved.get(ref), now.get(ref)
        if before is None:
            yield ref, f"{ref.short} did not exist, and exists now"
        elif after is None:
            yield ref, f"{ref.short} was deleted"
        elif before.uid != after.uid:
            yield ref, f"{ref.short} was deleted and created again"
        elif before.version != after.version and (before.digest != after.digest or not before.digest):
            yield ref, f"{ref.short} was changed{f' by {after.writers}' if after.writers else ''}"


def _targets(saved: Plan, now: Plan, moved: Mapping[ObjectRef, str]) -> Iterator[str]:
    before, after = _by_ref(saved), _by_ref(now)
    for ref in sorted({*before, *after} - set(moved)):
        old, new = before.get(ref), after.get(ref)
        if old == new:
            continue
        if old is None or new is None:
            yield f"{ref.short}: {old.action if old else 'nothing'} was planned, {new.action if new else 'nothing'} now"
        elif old.action is not new.action:
            yield f"{ref.short}: {old.action} was planned, {new.action} now"
        else:
            yield f"{ref.short}: what would be sent is not what was planned"


def _others(saved: Plan, now: Plan) -> Iterator[str]:
    for kept in sorted({*saved.kept} ^ {*now.kept}):
        yield f"{kept.ref.short}: {'was planned to stay' if kept in saved.kept else 'stays now'} ({kept.reason})"
    for note in sorted({*saved.reach} ^ {*now.reach}, key=lambda one: (one.kind, one.subject)):
        yield f"{note.kind}: {note.subject}: {'no longer so' if note in saved.reach else 'new'}"


def _by_ref(plan: Plan) -> dict[ObjectRef, Target]:
    return {target.ref: target for step in plan.steps for target in targets_of(step)}


def _shares(plan: Plan) -> list[tuple[object, ...]]:
    """Return how far each step of an upgrade moves what, and what it asks; how many pods that is now may change."""
    steps = [step for step in plan.steps if isinstance(step, Advance)]
    return [(step.id, step.gates, *((one.ref, one.share) for one in step.workloads)) for step in steps]


def _outline(plan: Plan) -> list[tuple[object, ...]]:
    """Return the steps without what a namespace that this very run has made changes: what can be checked before."""
    return [
        (step.id, *targets_of(step), *(step.refs if isinstance(step, Await | Discard) else ()))
        for step in plan.steps
        if isinstance(step, Write | Delete | RunJob | Await | Discard | Advance | Pause)
    ]
