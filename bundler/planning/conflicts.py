"""Fields that the bundle and another manager want differently. Layer: planning, pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from bundler.errors import Found
from bundler.fields.field_path import value_at_path, without_field
from bundler.fields.field_set import FieldSet, to_path
from bundler.model.change import Change, FieldConflict, Plan
from bundler.model.cluster import FIELD_MANAGER
from bundler.model.conflicts import ConflictPolicy, OnConflict
from bundler.model.json import Body, JSONValue, is_mapping, items_at, text_at
from bundler.model.lean import replace
from bundler.model.manifest import Manifest
from bundler.model.redaction import MASK
from bundler.model.refs import ObjectRef
from bundler.model.secret_leaves import is_plain_field
from bundler.model.size import shortened
from bundler.planning.definitions.notes import risk_notes
from bundler.planning.safety import lost_with

if TYPE_CHECKING:
    from bundler.planning.observation import Candidate, Refusal, Wanted

_VALUE_CHARS = 60


def field_conflicts(candidate: Candidate, refusal: Refusal) -> tuple[FieldConflict, ...]:
    """Return the fields of one object that are contested, with both values; those of Secrets are masked."""
    manifest, live = candidate.manifest, candidate.live or {}
    is_secret = manifest.ref.kind == "Secret"
    return tuple(
        FieldConflict(
            field=path,
            manager=manager,
            since=_time_of(live, path, manager),
            wanted=_shown(manifest.body, path, is_masked=is_secret),
            live=_shown(live, path, is_masked=is_secret),
        )
        for path, manager in refusal.conflicts
    )


def _time_of(live: Body, path: str, manager: str) -> str:
    """Return when a manager set a field, as the server noted it; empty where it did not, as for ``kubectl scale``."""
    entries = [one for one in items_at(live, "metadata", "managedFields") if one.get("manager") == manager]
    of_field = [one for one in entries if path in map(to_path, FieldSet.parse(one.get("fieldsV1")).paths())]
    others = [one for one in entries if one.get("subresource") != "status"]
    return max((text_at(one, "time") for one in of_field or others), default="")


def decided(conflicts: Iterable[FieldConflict], ref: ObjectRef, policy: ConflictPolicy) -> tuple[FieldConflict, ...]:
    """Return the conflicts of one object, each with what the policy says of it.

    Args:
        conflicts: the fields that are contested.
        ref: the object.
        policy: of the change.
    """
    return tuple(_decided(one, ref, policy) for one in conflicts)


def open_conflicts(candidate: Candidate, refusal: Refusal, policy: ConflictPolicy) -> tuple[FieldConflict, ...]:
    """Return the conflicts that stop the change: those that nothing decides, or that a rule says to stop at.

    Where there are none, a field is to be left to its owner that cannot be left out; then all of them.

    Args:
        candidate: the object that is refused.
        refusal: the server's.
        policy: of the change.
    """
    found = decided(field_conflicts(candidate, refusal), candidate.manifest.ref, policy)
    return tuple(one for one in found if one.policy is OnConflict.FAIL) or found


def _decided(conflict: FieldConflict, ref: ObjectRef, policy: ConflictPolicy) -> FieldConflict:
    rule = policy.rule_for(ref, conflict.field, conflict.manager)
    return conflict if rule is None else replace(conflict, policy=rule.policy, decided_by=str(rule.source))


def without_fields(manifest: Manifest, paths: Iterable[str]) -> Manifest:
    """Return the manifest without these fields; the same one where it has none of them."""
    body: JSONValue = manifest.body
    for path in paths:
        body = without_field(body, path)
    return replace(manifest, body=body) if is_mapping(body) and body is not manifest.body else manifest


def left_fields(manifest: Manifest, live: Body, wanted: Wanted) -> tuple[str, ...]:
    """Return the fields of one object that an earlier change left to others, and that are still theirs.

    A field that no one else owns any more is the bundle's again, and so is one that the policy takes.

    Args:
        manifest: as it is rendered.
        live: the object, managedFields included.
        wanted: what the release shall be.
    """
    left = wanted.left_to_others.get(manifest.ref, ())
    owners = dict(owners_of(live)) if left else {}
    return tuple(path for path in left if path in owners and not _is_taken(manifest.ref, path, owners[path], wanted))


def owners_of(live: Body, *, by_us: bool = False) -> Iterator[tuple[str, str]]:
    """Yield each field that another manager owns, and who that is; or each that we own ourselves."""
    for entry in items_at(live, "metadata", "managedFields"):
        manager = text_at(entry, "manager")
        if (manager == FIELD_MANAGER) is by_us:
            yield from ((to_path(path), manager) for path in FieldSet.parse(entry.get("fieldsV1")).paths())


def _is_taken(ref: ObjectRef, path: str, manager: str, wanted: Wanted) -> bool:
    rule = wanted.conflicts.rule_for(ref, path, manager)
    return rule is not None and rule.policy is OnConflict.TAKE


def fields_left(plan: Plan, wanted: Wanted) -> Mapping[ObjectRef, tuple[str, ...]]:
    """Return all fields that are left to others once a plan is carried out, as the record keeps them."""
    rendered = {manifest.ref: manifest for manifest in wanted.manifests}
    left: dict[ObjectRef, tuple[str, ...]] = {}
    for change in plan.changes:
        manifest = rendered.get(change.ref)
        if manifest is not None and change.before is not None:
            kept = (one.field for one in change.decided if one.policy is OnConflict.KEEP)
            left[change.ref] = tuple(sorted({*left_fields(manifest, change.before, wanted), *kept}))
    return {ref: paths for ref, paths in left.items() if paths}


def taken_from_others(changes: Iterable[Change]) -> list[str]:
    """Return the fields and objects that a plan takes from others, a line each: whose they were, and who says so."""
    lines: list[str] = []
    for change in changes:
        if change.adopted_from:
            lines.append(f"{change.ref.short} from {change.adopted_from} (--adopt)")
        taken = (one for one in change.decided if one.policy is OnConflict.TAKE)
        lines += [f"{change.ref.short} {one.field} from {one.manager} ({one.decided_by})" for one in taken]
    return lines


def is_ruled(conflict: FieldConflict) -> bool:
    """Return whether a rule of a file says to stop at a conflict: no flag decides about it."""
    return conflict.policy is OnConflict.FAIL and bool(conflict.decided_by) and not conflict.decided_by.startswith("--")


def conflict_line(ref: ObjectRef, conflict: FieldConflict) -> Found:
    """Return one conflict in a line: object, field, both values, who set the live one, and when."""
    at = f" at {conflict.since}" if conflict.since else ""
    values = f"bundle wants {conflict.wanted}, live {conflict.live}"
    said = f"{values} set by {conflict.manager}{at}"
    if is_ruled(conflict):
        said += f" ({conflict.decided_by} says fail)"
    return Found(f"{ref.short} {conflict.field}: {said}", message=said, subject=ref.short, field=conflict.field)


def change_notes(change: Change) -> Iterator[tuple[str, str]]:
    """Yield what is to be said of a change beside its difference, a word and a line each.

    Of each field that another manager set: ``conflict``, ``take`` or ``keep``. Of a definition that takes less than it
    did: ``narrower``, ``breaks``, ``refused`` or ``checked``. Of an object that is recreated: what is ``lost``.
    """
    yield from (("conflict", str(conflict_line(change.ref, one))) for one in change.conflicts)
    for one in change.decided:
        live = f"live {one.live} set by {one.manager}" + (f" at {one.since}" if one.since else "")
        if one.policy is OnConflict.TAKE:
            said = f"{live} becomes {one.wanted}"
        else:
            said = f"{live} stays, bundle wants {one.wanted}"
        yield one.policy.value, f"{change.ref.short} {one.field}: {said} ({one.decided_by})"
    if change.definition_risk is not None:
        yield from risk_notes(change.definition_risk)
    yield from (("lost", said) for said in lost_with(change))


def _shown(body: Body, path: str, *, is_masked: bool) -> str:
    value = value_at_path(body, path)
    return MASK if is_masked and value is not None and not is_plain_field(path) else in_short(value)


def in_short(value: JSONValue) -> str:
    """Return a value as JSON, cut where it is long."""
    return "nothing" if value is None else shortened(json.dumps(value, ensure_ascii=False), _VALUE_CHARS)
