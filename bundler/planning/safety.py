"""Whether a plan takes something away that cannot be had back. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.fields.kinds import kind_info
from bundler.model.change import Action
from bundler.model.json import text_at

if TYPE_CHECKING:
    from bundler.model.change import Change, Plan
    from bundler.model.refs import ObjectRef

_HOLD_DATA = frozenset({("apps", "StatefulSet")})


def losses(plan: Plan) -> tuple[Change, ...]:
    """Return the changes that may lose data: those that recreate an object, or delete one that holds data.

    A Job is recreated to run again, which loses nothing, and a StatefulSet whose claims grow around its pods. What goes
    with an object of a kind that Kubernetes does not know, a database operator's say, is unknown. An uninstall
    keeps volume claims, so that it loses the data of a StatefulSet only where its claims are deleted with it.
    """
    is_loss = _is_lost_with_release if plan.is_removal else _is_loss
    return tuple(change for change in plan.changes if is_loss(change))


def _is_lost_with_release(change: Change) -> bool:
    ref = change.ref
    if change.action is not Action.DELETE or (ref.group, ref.kind) not in _HOLD_DATA:
        return _is_loss(change)
    policy = text_at(change.before, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")
    return policy == "Delete"


def _is_loss(change: Change) -> bool:
    match change.action:
        case Action.RECREATE:
            return change.ref.kind != "Job" and not change.keeps_pods
        case Action.DELETE:
            return _holds_data(change.ref)
        case _:
            return False


def _holds_data(ref: ObjectRef) -> bool:
    return (ref.group, ref.kind) in _HOLD_DATA or kind_info(ref.group, ref.kind) is None
