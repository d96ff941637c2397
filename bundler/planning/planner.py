"""Compare what is wanted with what is there. Layer: planning, pure: same inputs, same plan, same order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bundler.fields.field_set import owned_fields
from bundler.model.change import Action, Change, KeptObject, Plan, ReachNote
from bundler.model.cluster import FIELD_MANAGER, Answer, Payload, is_deleting
from bundler.model.definition import is_definition, kind_of
from bundler.model.json import Body, int_at, items_at, text_at, value_at
from bundler.model.kept import NEVER_DELETED, kept_because
from bundler.model.labels import RELEASE_UID
from bundler.model.lean import replace
from bundler.model.manifest import GeneratedSecret, Manifest
from bundler.model.refs import ObjectRef
from bundler.planning.autoscale import was_autoscaled
from bundler.planning.backup import backup_changes
from bundler.planning.candidates import find_candidates
from bundler.planning.conflicts import decided, field_conflicts, open_conflicts
from bundler.planning.definitions.notes import with_definition
from bundler.planning.gone import gone_objects, in_served_version
from bundler.planning.hooks import is_of_other_run
from bundler.planning.ignored_fields import same_content
from bundler.planning.jobs import is_job, job_failed, job_stem
from bundler.planning.live_reach import homes_of, with_live
from bundler.planning.observation import Candidate, Recreation, Refusal, RefusalKind, Settlement
from bundler.planning.order import effective_needs, is_custom, with_implied_needs
from bundler.planning.ownership import has_controller, is_ours, lost_its_label, owner_of
from bundler.planning.payloads import Digester, Mask
from bundler.planning.reach import find_reach
from bundler.planning.recreate import created_again, leaving, left_to
from bundler.planning.restored import REASON as RESTORED, is_restored, without_dropped
from bundler.planning.safety import losses
from bundler.planning.schedule import change_order, removal_order, schedule
from bundler.planning.stuck_pods import stuck_pod_changes
from bundler.planning.taking import is_others, taken_secret
from bundler.planning.webhooks import after_their_judges, judge_needs, judging_components, past_silent_webhooks

if TYPE_CHECKING:
    from bundler.model.change import FieldConflict
    from bundler.model.release import InventoryEntry
    from bundler.planning.observation import Observation, Outcome, Wanted

_NONE_SENT: Final[Mapping[ObjectRef, Payload]] = MappingProxyType({})


def build_plan(
    wanted: Wanted,
    observation: Observation,
    outcomes: Mapping[ObjectRef, Outcome],
    *,
    candidates: Sequence[Candidate] | None = None,
    payloads: Mapping[ObjectRef, Payload] = _NONE_SENT,
    reach: Sequence[ReachNote] | None = None,
) -> Plan:
    """Make the plan out of what is wanted, what was seen, and what the server answered to dry-runs.

    Args:
        wanted: normalised, stamped manifests and what the release owned before.
        observation: live objects.
        outcomes: an answer or refusal for each candidate that was not settled.
        candidates: what is wanted, paired with what was seen; None: it is paired here.
        payloads: what was dry-run, so that it is not encoded again.
        reach: what `reach_of` says of what is wanted; None: it is found here.

    What stops the change is not a concern of the plan: :func:`bundler.planning.refusals.object_problems` finds it.

    Raises:
        PlanError: when components need each other in a circle.
    """
    if candidates is None:
        candidates = find_candidates(wanted, observation)
    changes = [_change(candidate, outcomes.get(candidate.manifest.ref), wanted) for candidate in candidates]
    changes = [in_served_version(with_definition(change, observation)) for change in changes]
    changes += list(_generated_changes(wanted, observation))
    deletes, kept = _prune(wanted, observation, changes)
    kept += (KeptObject(one.manifest.ref, one.kept) for one in candidates if one.kept)
    judging = judging_components(wanted, observation)
    changes = [*after_their_judges(changes, judging), *stuck_pod_changes(changes, observation)]
    components = frozenset(change.component for change in (*changes, *deletes))
    needs = with_implied_needs(effective_needs(components, wanted.needs), judge_needs(changes, judging))
    removal_needs = with_implied_needs(needs, _definers(deletes, wanted, observation))
    removal = past_silent_webhooks(removal_order(deletes, removal_needs), wanted, observation)
    ordered = (*change_order(changes, needs), *removal)
    lost = losses(Plan(changes=ordered, is_removal=wanted.is_removal))
    ordered = (*backup_changes(wanted.backups, lost), *ordered)
    reach = tuple(reach_of(wanted) if reach is None else reach)
    digester = Digester(Mask(wanted), payloads)
    return Plan(
        changes=ordered,
        steps=schedule(ordered, needs, digester, rollout=wanted.rollout, is_removal=wanted.is_removal),
        kept=tuple(sorted(kept)),
        gone=tuple(gone_objects(wanted, observation)),
        skipped_hooks=wanted.skipped_hooks,
        reach=_as_live(reach, changes, wanted, observation) if wanted.is_rollback else reach,
        is_removal=wanted.is_removal,
    )


def _as_live(
    reach: tuple[ReachNote, ...], changes: Sequence[Change], wanted: Wanted, observation: Observation
) -> tuple[ReachNote, ...]:
    homes = homes_of(observation.live, wanted.uid)
    return with_live(reach, changes, namespace=wanted.namespace, homes=homes)


def reach_of(wanted: Wanted) -> tuple[ReachNote, ...]:
    """Return what the objects reach outside of their namespace, and what they grant; sensitive values are masked."""
    rendered = (*wanted.manifests, *wanted.backups)
    found = find_reach(rendered, namespace=wanted.namespace, declared=wanted.reach, generated=wanted.generated)
    mask = Mask(wanted)
    return tuple(replace(note, subject=mask(note.subject)) for note in found)


def _definers(deletes: Iterable[Change], wanted: Wanted, observation: Observation) -> Iterable[tuple[str, str]]:
    """Pair each component that loses objects of a kind with the one that defines the kind: its operator is there."""
    definers = {
        kind_of(live): entry.component
        for ref, entry in wanted.owned.items()
        if is_definition(ref) and (live := observation.live.get(ref)) is not None
    }
    for change in deletes:
        definer = definers.get((change.ref.group, change.ref.kind))
        if definer is not None:
            yield change.component, definer


def _change(candidate: Candidate, outcome: Outcome | None, wanted: Wanted) -> Change:
    if isinstance(outcome, Recreation):
        return _recreated(candidate, outcome)
    if isinstance(outcome, Settlement):
        return _settled(candidate, outcome, wanted)
    manifest, live = candidate.manifest, candidate.live
    action, reason = _decide(candidate, outcome)
    refusal = outcome if isinstance(outcome, Refusal) else None
    answer = outcome if isinstance(outcome, Answer) else refusal.forced if refusal else None
    if action is Action.CREATE and manifest.ref in wanted.job_runs:
        reason = f"runs again: it ran for revision {wanted.job_runs[manifest.ref]}"
    if action is Action.CREATE and live is None and manifest.ref in wanted.begun_recreating:
        reason = f"revision {wanted.begun_recreating[manifest.ref]} deleted it to create it again, and did not finish"
    contested, settled = _contested(candidate, refusal, wanted)
    hook = wanted.hook_run.point_of(manifest) if wanted.hook_run else None
    if hook is not None:
        reason = f"hook {hook}{f'; {reason}' if reason else ''}"
    after = answer.body if answer else None
    is_back = action is Action.UPDATE and live is not None and is_restored(live, wanted.uid)
    recorded = wanted.recorded.get(manifest.ref, manifest) if is_back else None
    if recorded and after and live:
        after = without_dropped(after, live, recorded, manifest)
    return Change(
        ref=manifest.ref,
        action=action,
        component=manifest.component,
        desired=None if _is_shared(candidate) else _to_send(candidate, action),
        left=left_to(candidate) if action in {Action.CREATE, Action.RECREATE} else (),
        before=live,
        after=after,
        live_uid=text_at(live, "metadata", "uid"),
        hook=hook,
        is_verified=refusal is None or refusal.forced is not None,
        awaits_webhook=refusal is not None and refusal.kind is RefusalKind.UNJUDGED,
        is_autoscaled=candidate.is_autoscaled,
        reason=RESTORED if is_back else reason,
        warnings=answer.warnings if answer else (),
        conflicts=contested,
        decided=settled,
        restored_as=recorded,
    )


def _contested(
    candidate: Candidate, refusal: Refusal | None, wanted: Wanted
) -> tuple[tuple[FieldConflict, ...], tuple[FieldConflict, ...]]:
    """Return the conflicts of one object that stop the change, and those that something decides."""
    if refusal is None or refusal.kind is not RefusalKind.CONFLICT:
        return (), ()
    found = decided(field_conflicts(candidate, refusal), candidate.manifest.ref, wanted.conflicts)
    contested = open_conflicts(candidate, refusal, wanted.conflicts)
    return contested, tuple(one for one in found if one not in contested)


def _to_send(candidate: Candidate, action: Action) -> Manifest:
    """Return what is sent: to an object that is there, nothing of what is left to others; to one that is not, all."""
    is_anew = action in {Action.CREATE, Action.RECREATE} and candidate.live is not None
    return created_again(candidate) if is_anew else candidate.manifest


def _settled(candidate: Candidate, outcome: Settlement, wanted: Wanted) -> Change:
    """Change an object with fields that others set; what is left to them must be written once, to be let go of."""
    settled = leaving(replace(candidate, manifest=outcome.manifest), outcome.decided)
    change = _change(settled, outcome.answer, wanted)
    is_same = change.action is Action.NONE
    action, reason = (Action.UPDATE, "field ownership only") if is_same else (change.action, change.reason)
    former = outcome.adopted_from if action is Action.UPDATE else ""  # what is on its way out is created again
    reason = f"taken over from {former}" if former else reason
    return replace(change, action=action, reason=reason, decided=outcome.decided, adopted_from=former)


def _is_shared(candidate: Candidate) -> bool:
    """Return whether another release looks after the object: this one neither sends it nor waits for it."""
    uid = text_at(candidate.manifest.body, "metadata", "labels", RELEASE_UID)
    return candidate.settled is not None and candidate.live is not None and uid != "" and is_others(candidate.live, uid)


def _recreated(candidate: Candidate, outcome: Recreation) -> Change:
    """Delete and create an object that cannot be changed; a StatefulSet, where that can be, around its pods."""
    answer = outcome.answer
    taken = f"taken over from {outcome.adopted_from}" if outcome.adopted_from else ""
    return Change(
        ref=candidate.manifest.ref,
        action=Action.RECREATE,
        component=candidate.manifest.component,
        desired=outcome.manifest,
        left=left_to(leaving(candidate, outcome.decided)),
        before=candidate.live,
        after=answer.body if answer else None,
        live_uid=text_at(candidate.live, "metadata", "uid"),
        is_verified=answer is not None,
        is_autoscaled=candidate.is_autoscaled,
        reason="; ".join(filter(None, (taken, outcome.reason))),
        warnings=answer.warnings if answer else (),
        decided=outcome.decided,
        adopted_from=outcome.adopted_from,
        grown_claims=outcome.claims,
        keeps_pods=outcome.keeps_pods,
    )


def _decide(candidate: Candidate, outcome: Outcome | None) -> tuple[Action, str]:
    live = candidate.live
    if candidate.settled is not None:
        return Action.NONE, candidate.settled
    if live is None:
        return Action.CREATE, ""
    if is_deleting(live):
        return Action.CREATE, "the old one is being deleted; it is waited for"
    if job_failed(candidate.manifest.ref, live):
        return Action.RECREATE, "its last run failed"
    if is_of_other_run(candidate.manifest, live):
        return Action.RECREATE, "it runs with each such change"
    return _decide_update(candidate, live, outcome)


def _decide_update(candidate: Candidate, live: Body, outcome: Outcome | None) -> tuple[Action, str]:
    if not isinstance(outcome, Answer) or not same_content(live, outcome.body):
        return Action.UPDATE, "; ".join(
            filter(None, (_relabelled(candidate, live), _rescaled(candidate, live, outcome)))
        )
    is_same = _same_ownership(candidate, outcome)
    return (Action.NONE, "unchanged") if is_same else (Action.UPDATE, "field ownership only")


def _relabelled(candidate: Candidate, live: Body) -> str:
    """Say why the label by which a release knows its objects changes."""
    if lost_its_label(live):
        return "its release label was removed; it is put back"
    uid = text_at(candidate.manifest.body, "metadata", "labels", RELEASE_UID)
    return f"left behind by {owner_of(live)}; this release takes it" if uid and is_others(live, uid) else ""


def _rescaled(candidate: Candidate, live: Body, outcome: Outcome | None) -> str:
    """Say why a number of replicas that no one changed in the bundle changes."""
    if candidate.is_autoscaled or not isinstance(outcome, Answer) or not was_autoscaled(live):
        return ""
    old, new = (value_at(body, "spec", "replicas") for body in (live, outcome.body))
    return "" if old == new else "its autoscaler is gone: replicas are the bundle's again"


def _same_ownership(candidate: Candidate, answer: Answer) -> bool:
    before = owned_fields(candidate.live or {}, FIELD_MANAGER)
    after = owned_fields(answer.body, FIELD_MANAGER)
    differing = set((after.difference(before)).paths()) | set((before.difference(after)).paths())
    if candidate.is_autoscaled:
        differing = {path for path in differing if path[:2] != ("f:spec", "f:replicas")}
    return not differing


def _generated_changes(wanted: Wanted, observation: Observation) -> Iterable[Change]:
    by_ref: dict[ObjectRef, list[GeneratedSecret]] = {}
    for secret in wanted.generated:
        by_ref.setdefault(secret.ref, []).append(secret)
    for ref, secrets in by_ref.items():
        live = observation.live.get(ref)
        action, reason, after = Action.NONE, "generated before; kept", None
        if live is None:
            action, reason = Action.CREATE, "generated"
        elif is_others(live, wanted.uid):
            action, reason = Action.UPDATE, f"left behind by {owner_of(live)}; this release takes it, its data stays"
            after = taken_secret(live, secrets[0], wanted)
        yield Change(
            ref=ref,
            action=action,
            component=secrets[0].component,
            generated=tuple(secrets),
            before=live,
            after=after,
            live_uid=text_at(live, "metadata", "uid"),
            reason=reason,
        )


def _prune(
    wanted: Wanted, observation: Observation, changes: Iterable[Change]
) -> tuple[list[Change], list[KeptObject]]:
    """Return what is deleted and what is kept of the objects that the release owned and wants no longer."""
    there = frozenset(one.ref for one in changes if one.action is not Action.NONE or one.before is not None)
    wanted_refs = {manifest.ref for manifest in wanted.manifests} | {secret.ref for secret in wanted.generated}
    wanted_refs |= wanted.dormant
    deletes: list[Change] = []
    kept: list[KeptObject] = []
    for ref, entry in sorted(wanted.owned.items()):
        live = observation.live.get(ref)
        if ref in wanted_refs or live is None or not _is_known(live, wanted.uid) or has_controller(live):
            continue
        if ref not in observation.unused and (why := kept_because(ref, entry, live)):
            kept.append(KeptObject(ref, wanted.used_elsewhere.get(ref, why)))
        elif not is_deleting(live) or wanted.is_removal or is_custom(ref):
            why = "" if wanted.is_removal else _unwanted_because(ref, wanted_refs, there)
            deletes.append(_delete(entry, live, why))
            kept += _claims_of(ref, live)
    left = {ObjectRef("", "Namespace", "", name) for name in observation.left_namespaces}
    kept += (KeptObject(ref, NEVER_DELETED["", "Namespace"]) for ref in left - wanted_refs - {one.ref for one in kept})
    # A custom object on its way out is waited for where its operator may be among what goes now.
    is_idle = not wanted.is_removal and all(is_deleting(change.before or {}) for change in deletes)
    return ([] if is_idle else deletes), kept


def _is_known(live: Body, uid: str) -> bool:
    return is_ours(live, uid) or lost_its_label(live)


def _claims_of(ref: ObjectRef, live: Body) -> Iterable[KeptObject]:
    """Name the claims that a StatefulSet leaves behind: its controller made them, and they hold data."""
    if (ref.group, ref.kind) != ("apps", "StatefulSet"):
        return
    if text_at(live, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete":
        return
    for template in items_at(live, "spec", "volumeClaimTemplates"):
        for ordinal in range(int_at(live, "spec", "replicas", default=1)):
            name = f"{text_at(template, 'metadata', 'name')}-{ref.name}-{ordinal}"
            yield KeptObject(ObjectRef("", "PersistentVolumeClaim", ref.namespace, name), "holds data")


def _unwanted_because(ref: ObjectRef, wanted: Collection[ObjectRef], there: frozenset[ObjectRef]) -> str:
    """Say why an object goes; a Job of another spec, which the bundle has instead of it, may run at another moment.

    Args:
        ref: the object.
        wanted: what the bundle has, hooks of other moments and checks included.
        there: what there is once the plan is carried out.
    """
    stem = job_stem(ref.name) if is_job(ref) else ""
    after = [other for other in wanted if stem and is_job(other) and job_stem(other.name) == stem]
    if not after:
        return "no longer in the bundle"
    if in_place := there.intersection(after):
        return f"{min(in_place).short} takes its place"
    return f"{min(after).short} replaces it in the bundle; this plan does not create it"


def _delete(entry: InventoryEntry, live: Body, why: str) -> Change:
    found = "found by its label alone, the record that named it cannot be read" if entry.is_found else ""
    return Change(
        ref=entry.ref,
        action=Action.DELETE,
        component=entry.component,
        before=live,
        live_uid=text_at(live, "metadata", "uid"),
        reason="; ".join(filter(None, (why, found))),
    )
