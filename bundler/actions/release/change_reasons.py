"""Why each object of a plan changes: the bundle, the values, or someone else. Layer: actions, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.change import Action, Change, Plan
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.actions.release.proposal import Draft
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef
    from bundler.model.release import Revision


def with_reasons(plan: Plan, draft: Draft | None) -> Plan:
    """Return a plan whose every change has a reason; reasons that the planner gave stay.

    Args:
        plan: as it is shown.
        draft: the revision to be, with the one that it starts from; None for an uninstall.
    """
    before = _bodies(draft.recorded) if draft is not None and draft.recorded is not None else {}
    after = _bodies(draft.revision) if draft is not None else {}
    wider = _wider_reason(draft)
    changes = [
        change if change.reason else replace(change, reason=_reason(change, before, after, wider))
        for change in plan.changes
    ]
    return replace(plan, changes=tuple(changes))


def _reason(change: Change, before: dict[ObjectRef, Body], after: dict[ObjectRef, Body], wider: str) -> str:
    match change.action:
        case Action.CREATE if change.ref in before:
            return "it is not in the cluster"
        case Action.CREATE:
            return "it does not exist yet"
        case Action.DELETE:
            return "the release is uninstalled"
        case Action.UPDATE if change.ref in before and before[change.ref] == after.get(change.ref):
            return "it was changed in the cluster"
        case _:
            return wider


def _wider_reason(draft: Draft | None) -> str:
    if draft is None or draft.recorded is None:
        return "it differs from what is live"
    is_same_bundle = draft.recorded.summary.bundle.digest == draft.revision.summary.bundle.digest
    return "its values changed" if is_same_bundle else "the bundle, or its values, changed"


def _bodies(revision: Revision) -> dict[ObjectRef, Body]:
    return {one.ref: one.body for one in revision.manifests}
