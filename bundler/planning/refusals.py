"""Everything that stops a plan, of all objects at once. Layer: planning, pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bundler.errors.change import FieldConflictError, ForeignObjectError, ImmutableFieldError, RejectedObjectsError
from bundler.errors.cluster import ForbiddenError
from bundler.fields.kinds import immutable_changes
from bundler.model.cluster import Answer
from bundler.model.json import is_list, is_mapping, value_at
from bundler.model.redaction import MASK
from bundler.model.size import shortened
from bundler.planning.observation import Refusal, RefusalKind
from bundler.planning.ownership import manager_time, owner_of
from bundler.planning.paths import value_at_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bundler.errors import BundlerError
    from bundler.model.json import Body, JSONValue
    from bundler.model.refs import ObjectRef
    from bundler.planning.observation import Candidate, Observation, Outcome, Wanted

_VALUE_CHARS = 60
_MAX_FIELDS = 5
_TERMINATING = "is being terminated"


def raise_refusals(
    wanted: Wanted, observation: Observation, candidates: Sequence[Candidate], outcomes: Mapping[ObjectRef, Outcome]
) -> None:
    """Stop where an object is foreign, refused or contested.

    Raises:
        ForbiddenError: when all that the server refused, it refused for lack of permission.
        ForeignObjectError, RejectedObjectsError, ImmutableFieldError, FieldConflictError: the gravest kind found,
            with the lines of every kind.
    """
    foreign = _foreign_lines(wanted, observation, candidates, outcomes)
    refused = [(candidate, outcomes.get(candidate.manifest.ref)) for candidate in candidates]
    forbidden: list[str] = []
    immutable: list[str] = []
    rejected: list[str] = []
    conflicts: list[str] = []
    for candidate, outcome in refused:
        if not isinstance(outcome, Refusal) or candidate.manifest.ref in observation.foreign:
            continue
        if outcome.kind is RefusalKind.CONFLICT:
            conflicts += _conflict_lines(candidate, outcome)
        elif outcome.kind is RefusalKind.FORBIDDEN:
            forbidden += _rejection_lines(candidate, outcome)
        elif outcome.kind is RefusalKind.REJECTED:
            frozen = immutable_changes(candidate.live, candidate.manifest.body) if candidate.live else ()
            (immutable if frozen else rejected).extend(_rejection_lines(candidate, outcome))
            immutable += _immutable_lines(candidate, frozen)
    if rejected or not forbidden:
        _raise_gravest(foreign, [*rejected, *forbidden], immutable, conflicts)
        return
    missing = "ask for what is missing: a permission, room in a quota, a policy that allows it"
    if all(_TERMINATING in line for line in forbidden):
        missing = "the namespace is being deleted: wait until it is gone, then run the command again"
    raise ForbiddenError(
        "planning the change",
        context=[*forbidden, *foreign, *immutable, *conflicts],
        hint=f"nothing was written; {missing}",
    )


def _raise_gravest(foreign: list[str], rejected: list[str], immutable: list[str], conflicts: list[str]) -> None:
    error: type[BundlerError]
    if rejected:
        error, hint = RejectedObjectsError, "nothing was written; mend the bundle or the values named above"
    elif foreign:
        error, hint = (
            ForeignObjectError,
            "nothing was written; remove or rename the object, or choose another namespace",
        )
    elif immutable:
        error = ImmutableFieldError
        hint = f"nothing was written; {_ways_out(immutable)}"
    elif conflicts:
        error = FieldConflictError
        hint = (
            "nothing was written; choose the live value in the bundle's values, or write the bundle's value into the"
            " live object yourself (kubectl edit): where both are the same, nothing conflicts"
        )
    else:
        return
    raise error("planning the change", context=[*rejected, *foreign, *immutable, *conflicts], hint=hint)


def _foreign_lines(
    wanted: Wanted, observation: Observation, candidates: Sequence[Candidate], outcomes: Mapping[ObjectRef, Outcome]
) -> list[str]:
    refs = [candidate.manifest.ref for candidate in candidates] + [secret.ref for secret in wanted.generated]
    lines = [
        f"{ref.short} exists in {ref.namespace or 'the cluster'} and belongs to {owner_of(observation.foreign[ref])}"
        for ref in refs
        if ref in observation.foreign
    ]
    for candidate in candidates:
        outcome = outcomes.get(candidate.manifest.ref)
        unseen = candidate.live is None and candidate.manifest.ref not in observation.foreign
        if unseen and isinstance(outcome, Answer) and not outcome.is_created:
            lines.append(f"{candidate.manifest.ref.short} exists and belongs to somebody else")
    return lines


def _rejection_lines(candidate: Candidate, refusal: Refusal) -> Iterable[str]:
    for line in refusal.lines:
        yield f"{candidate.manifest.source}: {candidate.manifest.ref.short}: {line}"


def _immutable_lines(candidate: Candidate, frozen: Iterable[str]) -> Iterable[str]:
    """Name the fields, both values each; the server's own message often names none."""
    body, live, short = candidate.manifest.body, candidate.live or {}, candidate.manifest.ref.short
    is_secret = candidate.manifest.ref.kind == "Secret"
    moved = [
        found
        for path in frozen
        for found in _moved(path, value_at(body, *path.split(".")), value_at(live, *path.split(".")))
    ]
    for path, ours, theirs in moved[:_MAX_FIELDS]:
        wants, is_live = (MASK, MASK) if is_secret else (_in_short(ours), _in_short(theirs))
        yield f"{short} .{path}: bundle wants {wants}, live {is_live}; it cannot be changed"
    if len(moved) > _MAX_FIELDS:
        yield f"{short}: {len(moved) - _MAX_FIELDS} more fields that cannot be changed"


def _moved(path: str, ours: JSONValue, theirs: JSONValue) -> Iterable[tuple[str, JSONValue, JSONValue]]:
    """Yield path and both values of each leaf of ours that is not theirs; what only they have may be a default."""
    if is_mapping(ours) and is_mapping(theirs):
        for key, value in ours.items():
            yield from _moved(f"{path}.{key}", value, theirs.get(key))
    elif is_list(ours) and is_list(theirs) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _moved(f"{path}[{index}]", one, other)
    elif ours is not None and ours != theirs and (ours or theirs is not None):
        yield path, ours, theirs


def _ways_out(immutable: Iterable[str]) -> str:
    """Say what can be done, and how not to lose pods or data on the way: deleting outright would end them."""
    text = " ".join(immutable)
    if "PersistentVolumeClaim/" in text:
        return (
            "keep the old value, or give the claim another name and copy what it holds: deleting it deletes its data"
            " (a bound claim may grow, where its class allows it)"
        )
    if "StatefulSet/" in text:
        spared = "`kubectl delete statefulset NAME --cascade=orphan` leaves its pods and claims alone"
        return f"keep the old value, or delete the object and run this again; {spared}"
    return "keep the old value, or delete the object and run this again"


def _conflict_lines(candidate: Candidate, refusal: Refusal) -> Iterable[str]:
    manifest, live = candidate.manifest, candidate.live or {}
    for path, manager in refusal.conflicts:
        is_secret = manifest.ref.kind == "Secret"
        ours, theirs = _shown(manifest.body, path, is_masked=is_secret), _shown(live, path, is_masked=is_secret)
        since = manager_time(live, manager)
        at = f" at {since}" if since else ""
        yield f"{manifest.ref.short} {path}: bundle wants {ours}, live {theirs} set by {manager}{at}"


def _shown(body: Body, path: str, *, is_masked: bool) -> str:
    value = value_at_path(body, path)
    if value is None:
        return "nothing"
    return MASK if is_masked else _in_short(value)


def _in_short(value: JSONValue) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return shortened(text, _VALUE_CHARS)
