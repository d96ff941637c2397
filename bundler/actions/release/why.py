"""Why a plan changes what it changes, whichever change it is. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions import release
from bundler.actions.release.history import History, load_whole
from bundler.actions.release.hook_runs import left_by_rollback
from bundler.model.lean import replace

if TYPE_CHECKING:
    from bundler.actions.change.make_plan import Planned
    from bundler.actions.release.proposal import Draft
    from bundler.model.change import Plan
    from bundler.ports import ReleaseStore


def explained(planned: Planned, draft: Draft, history: History, store: ReleaseStore) -> Plan:
    """Return a plan that says why each object changes.

    Args:
        planned: the plan, with what it was made from.
        draft: the revision to be.
        history: of the release.
        store: its records; those of a rollback were read before.
    """
    if planned.plan.is_empty:
        return planned.plan
    if not draft.is_recorded:
        return release.causes.with_causes(planned.plan, draft, planned.wanted.recorded)
    left = left_by_rollback(history, draft.revision.rolled_back_to, store)
    start = load_whole(left.summary, store) if left else draft.revision
    return release.rollback_causes.with_rollback_causes(planned.plan, draft.revision, start)


def explained_as(shown: Plan, plan: Plan) -> Plan:
    """Return a plan that does what was shown, with the same reasons."""
    causes = {change.ref: change.causes for change in shown.changes}
    changes = tuple(replace(one, causes=causes.get(one.ref, ())) for one in plan.changes)
    return replace(plan, changes=changes, values=shown.values)
