"""Everything about single objects that stops a plan, of all objects at once. Layer: planning, pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, assert_never

from bundler.errors import BundlerError, Found, field_of
from bundler.errors.change import (
    FieldConflictError,
    ForeignObjectError,
    ImmutableFieldError,
    PlanError,
    RejectedObjectsError,
)
from bundler.errors.cluster import ForbiddenError
from bundler.model.change import Action, Change, Plan
from bundler.model.cluster import Answer
from bundler.model.json import Body, mapping_at, text_at
from bundler.model.lean import replace
from bundler.model.redaction import MASK
from bundler.model.refs import ObjectRef
from bundler.model.secret_leaves import is_plain_field
from bundler.model.size import first_of
from bundler.planning.adoption import is_asked_for
from bundler.planning.claim_growth import is_stateful_set
from bundler.planning.conflicts import conflict_line, in_short, is_ruled, open_conflicts
from bundler.planning.observation import Candidate, Observation, Outcome, Refusal, RefusalKind, Wanted
from bundler.planning.ownership import owner_of
from bundler.planning.problem import Problem
from bundler.planning.recreate import (
    FLAG,
    frozen_fields,
    is_never_recreated,
    keeps_pods,
    says_immutable,
)
from bundler.planning.safety import losses, lost_with

if TYPE_CHECKING:
    from bundler.model.change import FieldConflict

_PLANNING = "planning the change"
_MAX_FIELDS = 5
_FIX_IT = "fix the bundle or the values named above"
_ASK_FOR_MORE = "ask for what is missing: a permission, room in a quota, a policy that allows it"
_WAIT_UNTIL_GONE = "wait until the namespace is deleted, then run the command again"
_KEEP_SIZE = "keep the old size: a claim may grow where its class allows it, and never shrinks"
_CHOOSE_ONE = (
    "use --on-conflict take to write the bundle's value, --on-conflict keep to leave the field to its owner, or set the"
    " live value in the bundle's values; `conflicts` in the site file decides field by field"
)
_CHOOSE_ONE_BACK = (
    "use --on-conflict take to write the revision's value, or --on-conflict keep to leave the field to its owner;"
    " `conflicts` in the site file decides field by field"
)
_GO_ELSEWHERE = "upgrade to a bundle and values that fit, or go back to another revision"
_CHANGE_RULE = (
    "set the live value in the bundle's values, or the bundle's value in the cluster, where a rule says fail: no flag"
    " decides there, and `conflicts` in the site file comes before the rules of a bundle"
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
    blocked = _blocked_kinds(candidates, observation)
    refused = [
        (candidate, outcome)
        for candidate in candidates
        if isinstance(outcome := outcomes.get(candidate.manifest.ref), Refusal)
        and candidate.manifest.ref not in observation.foreign
        and not _is_blocked(candidate.manifest.ref, observation)
        and (candidate.manifest.ref.group, candidate.manifest.ref.kind) not in blocked
    ]
    return [
        *_foreign(wanted, observation, candidates, outcomes),
        *(problem for candidate, outcome in refused for problem in _refused(candidate, outcome, wanted)),
        *_missing_keys(wanted, observation),
        *_unknown_names(wanted),
    ]


def _is_blocked(ref: ObjectRef, observation: Observation) -> bool:
    """Return whether it is a definition of which is said elsewhere what the server refuses."""
    risk = observation.risks.get(ref)
    return risk is not None and bool(risk.blocked)


def _blocked_kinds(candidates: Sequence[Candidate], observation: Observation) -> Collection[tuple[str, str]]:
    """Return the kinds whose definitions the server refuses: what it says of their objects would follow from that."""
    specs = (
        mapping_at(candidate.manifest.body, "spec")
        for candidate in candidates
        if _is_blocked(candidate.manifest.ref, observation)
    )
    return {(text_at(spec, "group"), text_at(spec, "names", "kind")) for spec in specs}


def _refused(candidate: Candidate, refusal: Refusal, wanted: Wanted) -> Iterable[Problem]:
    fix_it = _GO_ELSEWHERE if wanted.is_rollback else _FIX_IT
    match refusal.kind:
        case RefusalKind.CONFLICT:
            found = open_conflicts(candidate, refusal, wanted.conflicts)
            yield from _conflicts(
                candidate.manifest.ref, found, _CHOOSE_ONE_BACK if wanted.is_rollback else _CHOOSE_ONE
            )
        case RefusalKind.FORBIDDEN:
            lines = tuple(_rejection_lines(candidate, refusal))
            yield _problem(ForbiddenError, lines, _WAIT_UNTIL_GONE if refusal.is_leaving else _ASK_FOR_MORE)
        case RefusalKind.UNSERVED:
            yield _problem(RejectedObjectsError, _rejection_lines(candidate, refusal), fix_it)
        case RefusalKind.REJECTED:
            if candidate.live is not None and (refusal.is_about_claims or any(map(says_immutable, refusal.lines))):
                yield _frozen(candidate, refusal, wanted)
            else:
                yield _problem(RejectedObjectsError, _rejection_lines(candidate, refusal), fix_it)
        case RefusalKind.UNVERIFIABLE | RefusalKind.UNJUDGED:
            return
        case _:
            assert_never(refusal.kind)


def _conflicts(ref: ObjectRef, found: Sequence[FieldConflict], choose: str) -> Iterable[Problem]:
    ruled = [one for one in found if is_ruled(one)]
    for those, hint in (([one for one in found if one not in ruled], choose), (ruled, _CHANGE_RULE)):
        if those:
            yield _problem(FieldConflictError, [conflict_line(ref, one) for one in those], hint)


def _problem(error: type[BundlerError], lines: Iterable[str], hint: str) -> Problem:
    return Problem(error=error, doing=_PLANNING, lines=tuple(lines), hint=hint)


def _foreign(
    wanted: Wanted, observation: Observation, candidates: Sequence[Candidate], outcomes: Mapping[ObjectRef, Outcome]
) -> Iterable[Problem]:
    lines = _foreign_lines(wanted, observation, candidates, outcomes)
    if lines:
        yield _problem(ForeignObjectError, lines, _way_past(wanted, observation))


def _way_past(wanted: Wanted, observation: Observation) -> str:
    """Say what can be done about objects of others; a rollback has no bundle in which they could be renamed."""
    hint = "rename the object in the bundle, or choose another release name or namespace"
    if wanted.is_rollback:
        hint = "delete the object if no one needs it"
    is_asked = bool(wanted.adopts) and all(is_asked_for(ref, wanted.adopts) for ref in observation.foreign)
    return hint if is_asked else f"{hint}; `--adopt KIND/NAME` takes over what no one else looks after"


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


def _frozen(candidate: Candidate, refusal: Refusal, wanted: Wanted) -> Problem:
    """Name each field that cannot change, with both values, and what can be done; what the server says names few."""
    manifest, live = candidate.manifest, candidate.live or {}
    short, is_secret = manifest.ref.short, manifest.ref.kind == "Secret"
    fields = list(frozen_fields(live, manifest.body))
    lines: list[Found] = []
    for path, old, new in fields[:_MAX_FIELDS]:
        is_masked = is_secret and not is_plain_field(path)
        before, after = (MASK, MASK) if is_masked else (in_short(old), in_short(new))
        said = f"{before} → {after} cannot be changed"
        lines.append(manifest.source.found(f"{short} .{path}: {said}", subject=short, field=f".{path}"))
    if len(fields) > _MAX_FIELDS:
        said = f"{len(fields) - _MAX_FIELDS} more fields that cannot be changed"
        lines.append(Found(f"{short}: {said}", message=said, subject=short))
    others = tuple(line for line in refusal.lines if not (lines and says_immutable(line)))
    named = _rejection_lines(candidate, replace(refusal, lines=others))
    way_out = _way_out(candidate, [path for path, _, _ in fields], wanted)
    hint = _KEEP_SIZE if refusal.is_about_claims else way_out
    return _problem(ImmutableFieldError, (*lines, *named), hint)


def _way_out(candidate: Candidate, paths: Sequence[str], wanted: Wanted) -> str:
    """Say what can be done, and what is lost on the way: deleting by hand would end more than it must."""
    ref, live = candidate.manifest.ref, candidate.live or {}
    keep = "go back to a revision with the live value" if wanted.is_rollback else "keep the old value"
    if is_never_recreated(ref):
        return f"{keep}: all that it holds would go with it"
    if ref.kind == "PersistentVolumeClaim" and not wanted.is_rollback:
        keep += ", or give the claim another name and copy what it holds (its size may grow, where its class allows it)"
    stays = is_stateful_set(ref) and keeps_pods(live, candidate.manifest.body)
    change = Change(ref=ref, action=Action.RECREATE, before=live, desired=candidate.manifest, keeps_pods=stays)
    lost = "; ".join(lost_with(change))
    flags = f"--recreate {ref.short}" + (" --accept-data-loss" if losses(Plan(changes=(change,))) else "")
    what = f", which loses {lost}" if lost else ""
    if is_stateful_set(ref):
        what += ": its pods and claims stay, and the new one takes them up" if stays else "; claims stay"
        is_of_claims = any(path.startswith("spec.volumeClaimTemplates") for path in paths)
        what += " (claims that exist stay as they are; a size may grow, where their class allows it)" * is_of_claims
    return f"{keep}, or pass {flags}{what}"


def _unknown_names(wanted: Wanted) -> Iterable[Problem]:
    """Report names given to flags that can have no effect, as those with one letter wrong."""
    rendered = [one.ref for one in wanted.manifests]
    for rule in wanted.recreates:
        meant = [one.ref for one in wanted.manifests if rule.fits(one.ref, one.component)]
        if rule.source != FLAG or not all(map(is_never_recreated, meant)):
            continue
        if meant:
            said = f"--recreate {rule.object}: it is never recreated: all that it holds would go with it"
            yield Problem(error=PlanError, doing=_PLANNING, lines=(said,), hint="leave the flag out")
        else:
            yield _unknown(f"--recreate {rule.object}", rule.object, rendered)
    made = [*rendered, *(secret.ref for secret in wanted.generated)]
    for name in wanted.adopts:
        if not any(is_asked_for(ref, (name,)) for ref in made):
            yield _unknown(f"--adopt {name}", name, made)


def _unknown(flag: str, name: str, refs: Iterable[ObjectRef]) -> Problem:
    kind = name.partition("/")[0]
    alike = sorted({ref.short for ref in refs if ref.kind == kind})
    hint = f"name one of {', '.join(first_of(alike, _MAX_FIELDS))}" if alike else "leave the flag out"
    return Problem(error=PlanError, doing=_PLANNING, lines=(f"{flag}: the release has no such object",), hint=hint)
