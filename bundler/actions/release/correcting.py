"""Which drift can be put back, and which is only reported: lost data, and what the server refuses.

Layer: actions, pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.model.change import Action
from bundler.model.drift import DriftedObject, DriftKind
from bundler.model.kept import NEVER_DELETED
from bundler.model.lean import dataclass, replace
from bundler.model.refs import ObjectRef
from bundler.planning.refusals import object_problems
from bundler.planning.safety import losses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bundler.actions.change.planned import Planned
    from bundler.actions.release.terms import Accepted
    from bundler.model.change import Change
    from bundler.planning.observation import Wanted

_EMPTY = "it held data, and would be made again empty"
_LOST = "putting it back may lose data"
_RISKY = "live objects may not fit the recorded definition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Objects that differ, by what is done about them."""

    fixable: tuple[DriftedObject, ...]
    missing_data: tuple[DriftedObject, ...]
    """What held data and is gone."""
    refused: tuple[DriftedObject, ...]
    """What cannot be put back, with the reason."""
    new_namespaces: tuple[str, ...] = ()
    """What is made first, where that is accepted; they are no objects of the release."""

    def part_of(self, wanted: Wanted) -> Wanted:
        """Return what is wanted of the objects that are put back alone; none of the others is deleted for that."""
        return _part(wanted, {one.ref for one in self.fixable})


def sorted_out(drifted: Sequence[DriftedObject], planned: Planned, accepted: Accepted) -> Sorted:
    """Sort what differs by what is done about it.

    Args:
        drifted: the objects that differ.
        planned: what would put all of them back.
        accepted: what the user says is meant.
    """
    gone = _gone_namespaces(drifted, planned)
    drifted = [*drifted, *(() if accepted.losses else gone)]
    changes = {change.ref: change for change in planned.plan.changes}
    lost = set() if accepted.losses else {change.ref for change in losses(planned.plan)}
    fixable, missing, refused = [], [], []
    for one in drifted:
        change = changes.get(one.ref)
        if change is None or (not accepted.losses and _is_missing_data(one, change)):
            missing.append(replace(one, reason=_EMPTY))
        elif why := _why_refused(change, planned, accepted) or (_LOST if one.ref in lost else ""):
            refused.append(replace(one, reason=why))
        else:
            fixable.append(one)
    return Sorted(
        fixable=tuple(fixable),
        missing_data=tuple(missing),
        refused=tuple(refused),
        new_namespaces=tuple(one.ref.name for one in gone) if accepted.losses else (),
    )


def _gone_namespaces(drifted: Sequence[DriftedObject], planned: Planned) -> list[DriftedObject]:
    """Return the namespaces that objects miss and that are no objects of the release themselves."""
    missing = planned.observation.missing_namespaces
    names = {one.ref.namespace for one in drifted if one.kind is DriftKind.MISSING} & missing
    own = {one.ref for one in drifted}
    refs = (ObjectRef("", "Namespace", "", name) for name in sorted(names))
    return [DriftedObject(ref=ref, kind=DriftKind.MISSING) for ref in refs if ref not in own]


def _part(wanted: Wanted, refs: set[ObjectRef]) -> Wanted:
    return replace(
        wanted,
        manifests=tuple(one for one in wanted.manifests if one.ref in refs),
        generated=tuple(one for one in wanted.generated if one.ref in refs),
        owned={ref: entry for ref, entry in wanted.owned.items() if ref in refs},
    )


def _is_missing_data(one: DriftedObject, change: Change) -> bool:
    is_kept = bool(change.generated) or (one.ref.group, one.ref.kind) in NEVER_DELETED
    return one.kind is DriftKind.MISSING and is_kept


def _why_refused(change: Change, planned: Planned, accepted: Accepted) -> str:
    ref, seen = change.ref, planned.observation
    if change.action is Action.CREATE and ref.namespace in seen.missing_namespaces and not accepted.losses:
        return f"namespace {ref.namespace} does not exist"
    if change.definition_risk is not None and not accepted.crd_risk:
        return _RISKY
    candidate = planned.candidates.get(ref)
    candidates = (candidate,) if candidate is not None else ()
    problems = object_problems(_part(planned.wanted, {ref}), seen, candidates, planned.outcomes)
    return "; ".join(line for problem in problems for line in problem.lines)
