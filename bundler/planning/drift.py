"""Which objects differ from what a revision wrote, field by field. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from bundler.fields.field_path import leading_steps
from bundler.fields.kinds import schema_of
from bundler.fields.merge import server_side_apply
from bundler.model.change import Action, Change, Plan
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.conflicts import ConflictPolicy, OnConflict
from bundler.model.drift import DriftedField, DriftedObject, DriftKind
from bundler.model.hooks import hook_run
from bundler.model.json import Body, JSONValue, is_mapping, mapping_at, text_at, value_at_steps
from bundler.model.labels import HOOK
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from bundler.planning.conflicts import in_short
from bundler.planning.diff import differing, shown_sides
from bundler.planning.owners import other_owner, owned_places
from bundler.planning.ownership import owner_of

Steps: TypeAlias = tuple[str | int, ...]


def drifted_objects(
    plan: Plan,
    policy: ConflictPolicy,
    left_to_others: Mapping[ObjectRef, tuple[str, ...]],
    foreign: Mapping[ObjectRef, Body],
) -> tuple[DriftedObject, ...]:
    """Return what a plan that restores a revision would change, as drift, in the order of the plan.

    Args:
        plan: from what is live to what the revision wrote.
        policy: fields that it keeps as they are live are not drift.
        left_to_others: fields that the release gave up are none either.
        foreign: objects of others that have the names of missing ones.
    """
    changes = (change for change in plan.changes if change.hook is None and not _is_left_by_a_run(change.before))
    found = (_drifted(change, policy, left_to_others.get(change.ref, ())) for change in changes)
    return tuple(_in_the_way(one, foreign.get(one.ref)) for one in found if one is not None)


def _in_the_way(drifted: DriftedObject, other: Body | None) -> DriftedObject:
    if other is None:
        return drifted
    return replace(drifted, reason=f"another object has its name and belongs to {owner_of(other)}")


def _is_left_by_a_run(live: Body | None) -> bool:
    """Return whether an object is of a hook or a check: those of other revisions stay until the next change."""
    return live is not None and (bool(hook_run(live)) or HOOK in mapping_at(live, "metadata", "annotations"))


def _drifted(change: Change, policy: ConflictPolicy, left: tuple[str, ...]) -> DriftedObject | None:
    match change.action:
        case Action.NONE:
            return None
        case Action.CREATE:
            return DriftedObject(ref=change.ref, kind=DriftKind.MISSING)
        case Action.DELETE:
            return DriftedObject(ref=change.ref, kind=DriftKind.UNEXPECTED, reason=change.reason)
        case Action.UPDATE | Action.RECREATE:
            fields = tuple(one for one in _fields(change, left) if not _is_ignored(change.ref, one, policy))
            reason = change.reason if change.action is Action.RECREATE else ""
            found = DriftedObject(ref=change.ref, kind=DriftKind.CHANGED, fields=fields, reason=reason)
            return found if fields or reason else None


def _is_ignored(ref: ObjectRef, one: DriftedField, policy: ConflictPolicy) -> bool:
    rule = policy.rule_for(ref, one.field, one.manager)
    return rule is not None and rule.policy is OnConflict.KEEP


def _fields(change: Change, left: tuple[str, ...]) -> Iterator[DriftedField]:
    is_answered = change.after is not None
    live, recorded = shown_sides(change if is_answered else _merged(change), is_full=True)
    before = change.before or {}
    given_up = {leading_steps(path, before) for path in left}
    places = owned_places(before)
    for one in differing(live, recorded):
        if one.steps in given_up or not (one.is_there or is_answered):
            continue  # what only the live object has may be a default, where the server did not answer with its own
        if one.was_there and one.is_there and _is_foreign(one.steps, change):
            continue  # others wrote it between our look and the server's answer, or a webhook writes it each time
        path, owner = other_owner(one.steps, places)
        yield DriftedField(
            field=path if leading_steps(path, before) == one.steps else field_text(one.steps, live),
            recorded=in_short(one.after),
            live=in_short(one.before),
            manager=owner.manager if owner else "",
            since=owner.since if owner else "",
        )


def _is_foreign(steps: Steps, change: Change) -> bool:
    """Return whether a field is none that the release writes; of what is in lists that is not known."""
    if change.desired is None or not all(isinstance(step, str) for step in steps):
        return False
    around = value_at_steps(change.desired.body, steps[:-1])
    return not (is_mapping(around) and steps[-1] in around)


def _merged(change: Change) -> Change:
    """Return a change of an object that the server refused, with what it would be: a field of it cannot change, say."""
    if change.desired is None or change.before is None:
        return change
    wanted = change.desired.body
    applied = server_side_apply(
        live=change.before, applied=wanted, manager=FIELD_MANAGER, is_forced=True, schema=schema_of(wanted), time=""
    )
    return replace(change, after=applied.body)


def field_text(steps: Steps, body: JSONValue) -> str:
    """Write the way to a field as the API server does, items of lists by their names.

    Args:
        steps: to the field.
        body: the object, or another that has the field.
    """
    text = ""
    for step in steps:
        body = value_at_steps(body, [step])
        text += f".{step}" if isinstance(step, str) else _item(step, body)
    return text


def _item(index: int, item: JSONValue) -> str:
    name = text_at(item, "name") if is_mapping(item) else ""
    return f'[name="{name}"]' if name else f"[{index}]"
