"""Whether a plan takes something away that cannot be had back. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.fields.kinds import kind_info
from bundler.model.change import Action

if TYPE_CHECKING:
    from bundler.model.change import Change, Plan
    from bundler.model.refs import ObjectRef

_HOLD_DATA = frozenset({("apps", "StatefulSet")})


def losses(plan: Plan) -> tuple[Change, ...]:
    """Return the changes that recreate an object, or delete one that holds data: they need a word from somebody.

    A Job is recreated to run again, which loses nothing, and a StatefulSet whose claims grow around its pods. Of kinds
    that Kubernetes does not know, a database operator's say, it is not known what goes with them. An uninstall
    is asked about whatever it deletes.
    """
    if plan.is_removal:
        return plan.changes
    return tuple(change for change in plan.changes if _is_loss(change))


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
