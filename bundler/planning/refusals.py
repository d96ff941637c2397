"""Everything about single objects that stops a plan, of all objects at once. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from bundler.errors import Found, field_of
from bundler.errors.change import (
    FieldConflictError,
    ForeignObjectError,
    ImmutableFieldError,
    PlanError,
    RejectedObjectsError,
)
from bundler.errors.cluster import ForbiddenError
from bundler.fields.kinds import immutable_changes
from bundler.model.cluster import Answer
from bundler.model.json import is_list, is_mapping, mapping_at, value_at
from bundler.model.redaction import MASK
from bundler.planning.adoption import is_asked_for
from bundler.planning.conflicts import conflict_line, field_conflicts, in_short
from bundler.planning.observation import Refusal, RefusalKind
from bundler.planning.ownership import owner_of
from bundler.planning.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bundler.errors import BundlerError
    from bundler.model.json import Body, JSONValue
    from bundler.model.refs import ObjectRef
    from bundler.planning.observation import Candidate, Observation, Outcome, Wanted

_MAX_FIELDS = 5
_FIX_IT = "fix the bundle or the values named above"
_ASK_FOR_MORE = "ask for what is missing: a permission, room in a quota, a policy that allows it"
_WAIT_UNTIL_GONE = "wait until the namespace is deleted, then run the command again"
_CHOOSE_ONE = (
    "use --on-conflict take to write the bundle's value, --on-conflict keep to leave the field to its owner, or set the"
    " live value in the bundle's values; `conflicts` in the site file decides field by field"
)


def object_problems(
    wanted: Wanted, observation: Observation, candidates: Sequence[Candidate], outcomes: Mapping[ObjectRef, Outcome]
) -> list[Problem]:
    """Return why single objects stop a plan: foreign, refused, contested, or a generated Secret that lacks its key.

    Args:
        wanted: what the release is to hold.
        observation: what was read of the cluster.
        candidates: manifests with their live objects.
        outcomes: what the dry run answered, by object.
    """
    refused = [
        (candidate, outcome)
        for candidate in candidates
        if isinstance(outcome := outcomes.get(candidate.manifest.ref), Refusal)
        and candidate.manifest.ref not in observation.foreign
        and not _is_blocked(candidate.manifest.ref, observation)
    ]
    return [
        *_foreign(wanted, observation, candidates, outcomes),
        *(problem for candidate, outcome in refused for problem in _refused(candidate, outcome)),
        *_missing_keys(wanted, observation),
    ]


def _is_blocked(ref: ObjectRef, observation: Observation) -> bool:
    """Return whether it is a definition of which is said elsewhere what the server refuses."""
    risk = observation.risks.get(ref)
    return risk is not None and bool(risk.blocked)


def _refused(candidate: Candidate, refusal: Refusal) -> Iterable[Problem]:
    match refusal.kind:
        case RefusalKind.CONFLICT:
            lines = tuple(conflict_line(candidate.manifest.ref, one) for one in field_conflicts(candidate, refusal))
            yield _problem(FieldConflictError, lines, _CHOOSE_ONE)
        case RefusalKind.FORBIDDEN:
            lines = tuple(_rejection_lines(candidate, refusal))
            yield _problem(ForbiddenError, lines, _WAIT_UNTIL_GONE if refusal.is_leaving else _ASK_FOR_MORE)
        case RefusalKind.UNSERVED:
            yield _problem(RejectedObjectsError, _rejection_lines(candidate, refusal), _FIX_IT)
        case RefusalKind.REJECTED:
            frozen = immutable_changes(candidate.live, candidate.manifest.body) if candidate.live else ()
            lines = (*_rejection_lines(candidate, refusal), *_immutable_lines(candidate, frozen))
            error = ImmutableFieldError if frozen else RejectedObjectsError
            yield _problem(error, lines, _way_out(candidate.manifest.ref, frozen) if frozen else _FIX_IT)
        case RefusalKind.UNVERIFIABLE | RefusalKind.UNJUDGED:
            return
        case _:
            assert_never(refusal.kind)


def _problem(error: type[BundlerError], lines: Iterable[str], hint: str) -> Problem:
    return Problem(error=error, doing="planning the change", lines=tuple(lines), hint=hint)


def _foreign(
    wanted: Wanted, observation: Observation, candidates: Sequence[Candidate], outcomes: Mapping[ObjectRef, Outcome]
) -> Iterable[Problem]:
    lines = _foreign_lines(wanted, observation, candidates, outcomes)
    if lines:
        asked = any(is_asked_for(candidate.manifest.ref, wanted.adopts) for candidate in candidates)
        hint = "rename the object in the bundle, or choose another release name or namespace"
        hint += "" if asked else "; `--adopt KIND/NAME` takes over what no one else looks after"
        yield _problem(ForeignObjectError, lines, hint)


def _missing_keys(wanted: Wanted, observation: Observation) -> Iterable[Problem]:
    missing = [
        secret
        for secret in wanted.generated
        if secret.ref in observation.live and secret.key not in mapping_at(observation.live[secret.ref], "data")
    ]
    if missing:
        yield Problem(
            error=PlanError,
            doing=f"looking up the generated secret{'s' * (len(missing) > 1)} {', '.join(one.name for one in missing)}",
            lines=tuple(f"{one.ref.short} exists, but has no key {one.key!r} ({one.source})" for one in missing),
            hint="add the key yourself, or let the entry name another Secret: a generated secret is never overwritten",
        )


def _foreign_lines(
    wanted: Wanted, observation: Observation, candidates: Sequence[Candidate], outcomes: Mapping[ObjectRef, Outcome]
) -> list[Found]:
    refs = [candidate.manifest.ref for candidate in candidates] + [secret.ref for secret in wanted.generated]
    lines = [_taken(ref, _belongs(ref, observation.foreign[ref], wanted)) for ref in refs if ref in observation.foreign]
    for candidate in candidates:
        outcome = outcomes.get(candidate.manifest.ref)
        is_known = candidate.manifest.ref in observation.foreign or candidate.manifest.ref in observation.live
        unseen = candidate.live is None and not is_known
        if unseen and isinstance(outcome, Answer) and not outcome.is_created:
            lines.append(_taken(candidate.manifest.ref, "exists and belongs to someone else"))
    return lines


def _belongs(ref: ObjectRef, live: Body, wanted: Wanted) -> str:
    said = f"exists in {ref.namespace or 'the cluster'} and belongs to {owner_of(live)}"
    if not is_asked_for(ref, wanted.adopts):
        return said
    if any(secret.ref == ref for secret in wanted.generated):
        return f"{said}; a generated secret is never taken over"
    return f"{said}, which looks after it: it is not taken over"


def _taken(ref: ObjectRef, how: str) -> Found:
    return Found(f"{ref.short} {how}", message=how, subject=ref.short)


def _rejection_lines(candidate: Candidate, refusal: Refusal) -> Iterable[Found]:
    for line in refusal.lines:
        short = candidate.manifest.ref.short
        yield candidate.manifest.source.found(f"{short}: {line}", subject=short, field=field_of(line))


def _immutable_lines(candidate: Candidate, frozen: Iterable[str]) -> Iterable[Found]:
    """Name the fields, both values each; the server's own message often names none."""
    body, live, short = candidate.manifest.body, candidate.live or {}, candidate.manifest.ref.short
    is_secret = candidate.manifest.ref.kind == "Secret"
    moved = [
        found
        for path in frozen
        for found in _moved(path, value_at(body, *path.split(".")), value_at(live, *path.split(".")))
    ]
    for path, ours, theirs in moved[:_MAX_FIELDS]:
        wants, is_live = (MASK, MASK) if is_secret else (in_short(ours), in_short(theirs))
        said = f"bundle wants {wants}, live {is_live}; it cannot be changed"
        yield Found(f"{short} .{path}: {said}", message=said, subject=short, field=f".{path}")
    if len(moved) > _MAX_FIELDS:
        said = f"{len(moved) - _MAX_FIELDS} more fields that cannot be changed"
        yield Found(f"{short}: {said}", message=said, subject=short)


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


def _way_out(ref: ObjectRef, frozen: Iterable[str]) -> str:
    """Say what can be done, and how not to lose pods or data on the way: deleting outright would end them."""
    if ref.kind == "PersistentVolumeClaim":
        return (
            "keep the old value, or give the claim another name and copy what it holds: deleting it deletes its data"
            " (a bound claim may grow, where its class allows it)"
        )
    if ref.kind in {"CustomResourceDefinition", "Namespace", "PersistentVolume"}:
        return "keep the old value, or give the object another name: what hangs on this one would go with it"
    if "spec.volumeClaimTemplates" in frozen:
        return (
            "keep the old value: new templates do not reach claims that are there, not even those of a StatefulSet that"
            " is made again (a size may grow, where the class of the claims allows it)"
        )
    if ref.kind == "StatefulSet":
        spared = "`kubectl delete statefulset NAME --cascade=orphan` leaves its pods and claims alone"
        return f"keep the old value, or delete the object and run this again; {spared}"
    return "keep the old value, or delete the object and run this again"
