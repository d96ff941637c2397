"""Which plans wait for someone to approve them, and the digest by which that is said. Layer: controller, pure.

An approval fits one plan. A plan that would do anything else has another digest, and asks again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from bundler import Action, Change, Plan
from bundler.controller.status import WaitingPlan
from bundler.model.digest import digest_of
from bundler.model.json import Body, as_json, canonical_json, strings_at
from bundler.model.redaction import MASK, Redactor
from bundler.model.secret_leaves import shareable

if TYPE_CHECKING:
    from bundler.model.refs import ObjectRef

MANY: Final = 10
"""Of fewer objects, any share may be deleted."""
_TEXT_LINES: Final = 30
_SIGNS: Final = {Action.CREATE: "+", Action.UPDATE: "~", Action.RECREATE: "-/+", Action.DELETE: "-"}
_WORKLOADS: Final = frozenset(
    {
        ("apps", "Deployment"),
        ("apps", "StatefulSet"),
        ("apps", "DaemonSet"),
        ("apps", "ReplicaSet"),
        ("batch", "CronJob"),
        ("", "Pod"),
        ("", "ReplicationController"),
    }
)


def waiting_plan(plan: Plan, *, reach: tuple[Body, Body] | None, sensitive: Collection[str] = ()) -> WaitingPlan:
    """Return a plan with why it waits for an approval; it does not wait where there is no reason.

    Args:
        plan: what would be done.
        reach: what the deployed revision declares to reach, and what this one declares; None for a new release.
        sensitive: texts that must leave no trace in the digest, which is published.
    """
    why = tuple(_widened(*reach)) if reach else ()
    return WaitingPlan(
        digest=plan_digest(plan, sensitive),
        create=plan.count(Action.CREATE),
        update=plan.count(Action.UPDATE),
        recreate=plan.count(Action.RECREATE),
        delete=plan.count(Action.DELETE),
        why=(*why, *_deletions(plan)),
        text=plan_text(plan),
    )


def missing_data_plan(missing: Iterable[str]) -> WaitingPlan:
    """Return the plan that makes again, empty, what held data and is gone; it always waits for an approval.

    Args:
        missing: the objects, ``KIND/NAME``.
    """
    names = sorted(missing)
    return WaitingPlan(
        digest=digest_of(canonical_json(["missing data", *names])),
        create=len(names),
        why=tuple(f"{name} is gone with its data, and would be empty" for name in names),
        text="\n".join(f"+ {name}" for name in names),
    )


def plan_digest(plan: Plan, sensitive: Collection[str] = ()) -> str:
    """Return the digest of what a plan does; where it is the same, an approval holds.

    Nothing secret is hashed: the status shows the digest, and who may read that could try guesses.

    Args:
        plan: what would be done.
        sensitive: texts that are masked wherever they are found; the data of Secrets always is.
    """
    hide = _mask(sensitive)
    done = [
        [
            str(change.ref),
            change.action.value,
            change.live_uid if change.action in {Action.DELETE, Action.RECREATE} else "",
            digest_of(canonical_json(as_json(shareable(change.desired.body), mask=hide))) if change.desired else "",
        ]
        for change in plan.changes
        if change.action is not Action.NONE
    ]
    return digest_of(canonical_json(done))


def _mask(sensitive: Collection[str]) -> Callable[[str], str]:
    redactor = Redactor()
    redactor.learn(*sensitive)
    return lambda text: MASK if text in sensitive else redactor.redact_value(text)


def plan_text(plan: Plan) -> str:
    """Return the first lines of a plan: an object each, no values."""
    lines = [f"{_SIGNS[one.action]} {one.ref.short}" for one in plan.changes if one.action in _SIGNS]
    more = len(lines) - _TEXT_LINES
    return "\n".join([*lines[:_TEXT_LINES], *([f"… {more} more"] if more > 0 else [])])


def _widened(before: Body, after: Body) -> Iterator[str]:
    """Yield what a bundle may reach that the deployed revision may not."""
    for family, words in (
        ("clusterScoped", "writes objects of the whole cluster"),
        ("namespaces", "writes to namespace"),
        ("grants", "grants"),
    ):
        for one in sorted(set(strings_at(after, family)) - set(strings_at(before, family))):
            yield f"{words}: {one}"


def _deletions(plan: Plan) -> Iterator[str]:
    """Yield what is deleted more of than a slip of the hand should delete."""
    there = [one for one in plan.changes if one.before is not None and one.hook is None]
    gone = [one for one in there if one.action is Action.DELETE]
    if not gone:
        return
    stays = [one for one in plan.changes if one.hook is None and one.action is not Action.DELETE]
    if not stays:
        yield f"nothing is left of the release: all of its {len(gone)} objects would be deleted"
        return
    if _workloads(there) and _workloads(gone) and not _workloads(stays):
        names = ", ".join(one.short for one in _workloads(gone))
        yield f"every workload would be deleted: {names}"
    if len(there) >= MANY and len(gone) * 2 > len(there):
        yield f"{len(gone)} of {len(there)} objects would be deleted"


def _workloads(changes: Sequence[Change]) -> list[ObjectRef]:
    return [one.ref for one in changes if (one.ref.group, one.ref.kind) in _WORKLOADS]
