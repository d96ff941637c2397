"""What is said of the fields of a plan, and by which words causes are grouped. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from bundler.model.causes import Cause, CauseKind, ChangedField
from bundler.model.change import Action, Change
from bundler.model.lean import replace
from bundler.planning.diff import differing, shown_sides
from bundler.planning.drift import field_text
from bundler.planning.owners import other_owner, owned_places
from bundler.planning.pacing import PACING_PLACES, pacing_of
from bundler.values.paths import pointer_as_path

if TYPE_CHECKING:
    from bundler.model.values import Pointer

Steps: TypeAlias = tuple[str | int, ...]


class Why(NamedTuple):
    """What is said of one field."""

    kind: CauseKind
    pointers: frozenset[Pointer] = frozenset()
    note: str = ""
    is_certain: bool = True


class Found(NamedTuple):
    """What is said of one field, with the field."""

    why: Why
    field: ChangedField


def changed_places(change: Change) -> Iterator[tuple[Steps, str]]:
    """Yield the way to each field that is shown to change, and how it is written."""
    if change.action in {Action.UPDATE, Action.RECREATE}:
        live, wanted = shown_sides(replace(change, action=Action.UPDATE))
        for one in differing(live, wanted):
            yield one.steps, field_text(one.steps, wanted if one.is_there else live)


def in_cluster(change: Change, steps: Steps) -> Why:
    """Say which rollout or manager changed a field in the cluster.

    Args:
        change: that sets it back.
        steps: to the field.
    """
    if steps in PACING_PLACES and pacing_of(change.before or {}) is not None:
        return Why(CauseKind.CLUSTER, note="held back for the upgrade in steps")
    _, owner = other_owner(steps, owned_places(change.before or {}))
    by, at = (owner.manager, owner.since) if owner else ("", "")
    return Why(CauseKind.CLUSTER, note=f"changed in the cluster{f' by {by}' if by else ''}{f' at {at}' if at else ''}")


def grouped(found: Iterable[Found]) -> Iterator[Cause]:
    """Yield what was found as causes, fields with one cause together."""
    fields: dict[Why, list[ChangedField]] = {}
    for one in found:
        fields.setdefault(one.why, []).append(one.field)
    for why, changed in fields.items():
        yield Cause(
            kind=why.kind,
            fields=tuple(changed),
            values=tuple(sorted(map(pointer_as_path, why.pointers))),
            note=why.note,
            is_certain=why.is_certain,
        )
