"""Ask the API server what would become of each object, by dry-runs. Layer: actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from bundler.actions.change.adopt import has_helm_release
from bundler.actions.change.ask_recreate import ask_to_recreate
from bundler.actions.change.definitions import newer_than
from bundler.errors.cluster import ConflictError, ForbiddenError, ObjectNotFoundError, RejectedError, UnknownKindError
from bundler.fields.field_path import value_at_path
from bundler.fields.field_set import owned_fields
from bundler.model.cluster import FIELD_MANAGER, Answer, Payload, is_deleting
from bundler.model.conflicts import OnConflict
from bundler.model.definition import is_definition, kind_of, served_versions
from bundler.model.json import Body, canonical_json, mapping_at, text_at
from bundler.model.lean import dataclass, replace
from bundler.planning.adoption import is_asked_for, kept_by, once_applied, taken_over
from bundler.planning.autoscale import REPLICAS_PATH, owned_by_autoscaler
from bundler.planning.candidates import find_candidates
from bundler.planning.conflicts import decided, field_conflicts, owners_of, without_fields
from bundler.planning.ignored_fields import same_content
from bundler.planning.observation import Observation, Recreation, Refusal, RefusalKind, Settlement
from bundler.planning.ownership import helm_release_of, is_ours, owner_of
from bundler.planning.payloads import following, payload_of
from bundler.planning.recreate import leaving
from bundler.planning.restored import are_restorers, is_restored
from bundler.planning.taking import Standing, is_others, standing_of
from bundler.planning.webhooks import Judges, silent_webhooks

if TYPE_CHECKING:
    from bundler.actions.change.make_plan import Planned
    from bundler.errors import BundlerError
    from bundler.model.manifest import Manifest
    from bundler.planning.observation import Candidate, Outcome, Wanted
    from bundler.ports import ClusterClient

_TRIES = 5
"""Of what an autoscaler or a controller writes between our looks."""
IsRecorded: TypeAlias = "Callable[[Body], bool | None]"
"""Says whether the release whose label an object carries still exists; None where that cannot be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came of asking the server about one object."""

    outcome: Outcome
    payload: Payload
    live: Body | None = None
    """Set where the object was read again: it moved, or it is foreign."""
    is_foreign: bool = False
    is_shared: bool = False
    newer: str = ""
    """Of a definition of which the cluster has a newer version: what is said of it."""


class Asker:
    """Dry-run single candidates, with everything they are judged by."""

    def __init__(
        self,
        wanted: Wanted,
        observation: Observation,
        cluster: ClusterClient,
        earlier: Planned | None,
        is_recorded: IsRecorded,
    ) -> None:
        self._cluster, self._earlier, self._observation = cluster, earlier, observation
        self._wanted = wanted
        self._defined = _versions_defined_by(_written_definitions(wanted, observation))
        self._goes_back = wanted.goes_back_to > 0
        self._own_kinds = frozenset(kind_of(one.body) for one in wanted.manifests if is_definition(one.ref))
        own = [*observation.live.items(), *((manifest.ref, manifest.body) for manifest in wanted.manifests)]
        self._judges = Judges(silent_webhooks(observation.live, wanted.owned), own)
        self._wanted_refs = frozenset(manifest.ref for manifest in wanted.manifests)
        self._uid, self._is_recorded, self._policy = wanted.uid, is_recorded, wanted.conflicts
        self._adopts, self._recreates = wanted.adopts, wanted.recreates
        self._helm_releases: dict[tuple[str, str] | None, bool | None] = {}

    def ask(self, candidate: Candidate) -> Asked:
        """Return the server's answer to a dry-run, an earlier one that still holds, or why it cannot be asked."""
        payload = payload_of(candidate.manifest, candidate.live)
        known = self._known_answer(candidate, payload)
        if known is not None:
            return Asked(outcome=known, payload=payload)
        blocked = self._blocked(candidate)
        if blocked is not None:
            return Asked(outcome=blocked, payload=payload)
        return self._asked(candidate, payload, tries=_TRIES)

    def _asked(self, candidate: Candidate, payload: Payload, *, tries: int) -> Asked:
        outcome: Outcome = self._dry_run(candidate, payload)
        unexpected = candidate.live is None and not (isinstance(outcome, Answer) and outcome.is_created)
        if unexpected and not _is_final(outcome):
            return self._found_in_the_way(candidate, payload, outcome, tries)
        if candidate.is_autoscaled and _is_about_replicas(outcome) and tries:
            return self._again(candidate, outcome, payload, tries)
        if isinstance(outcome, Refusal):
            outcome = self._settled(candidate, outcome)
        if isinstance(outcome, Settlement):
            payload = payload_of(outcome.manifest, candidate.live)
        return Asked(outcome=outcome, payload=payload)

    def _settled(self, candidate: Candidate, refusal: Refusal) -> Outcome:
        """Return what becomes of a refused object by all that was decided about it; the refusal where that is no way.

        Conflicts come first: a field that is left to its owner may be the very one that cannot change.
        """
        found = decided(field_conflicts(candidate, refusal), candidate.manifest.ref, self._policy)
        if not found:
            return self._recreated(candidate, refusal) or refusal
        kept = tuple(one.field for one in found if one.policy is OnConflict.KEEP)
        is_open = any(one.policy is OnConflict.FAIL for one in found)
        if is_open or any(value_at_path(candidate.manifest.body, path) is None for path in kept):
            return self._contested(candidate, refusal)  # a field that cannot be left out would be taken
        candidate = leaving(replace(candidate, manifest=without_fields(candidate.manifest, kept)), found)
        answer: Answer | Refusal = refusal.forced or refusal
        if kept:
            answer = self._dry_run(candidate, payload_of(candidate.manifest, candidate.live), is_forced=True)
        if isinstance(answer, Answer):
            return Settlement(answer=answer, manifest=candidate.manifest, decided=found)
        recreated = self._recreated(candidate, answer)
        return replace(recreated, decided=found) if isinstance(recreated, Recreation) else recreated or refusal

    def _contested(self, candidate: Candidate, refusal: Refusal) -> Refusal:
        """Return a conflict that stops the change, also where the object would be recreated once it is decided."""
        recreated = self._recreated(candidate, refusal)
        if not isinstance(recreated, Recreation):
            return recreated or refusal
        return Refusal(kind=RefusalKind.CONFLICT, lines=(), conflicts=refusal.conflicts, forced=recreated.answer)

    def _recreated(self, candidate: Candidate, refusal: Refusal) -> Recreation | Refusal | None:
        def try_out(trial: Manifest) -> Answer | Refusal:
            return self._dry_run(replace(candidate, live=None), payload_of(trial, None))

        return ask_to_recreate(candidate, refusal, self._recreates, self._cluster, try_out)

    def _found_in_the_way(self, candidate: Candidate, payload: Payload, outcome: Outcome, tries: int) -> Asked:
        live = self._cluster.get(candidate.manifest.ref, version=candidate.manifest.version)
        if live is None:
            return Asked(outcome=outcome, payload=payload)
        standing = self._standing(candidate.manifest, live)
        newer = newer_than(live, candidate.manifest.body) if is_definition(candidate.manifest.ref) else ""
        if standing is Standing.SHARED or newer:
            same = Answer(body=live, is_created=False)
            return Asked(outcome=same, payload=payload, live=live, is_shared=True, newer=newer)
        if (standing is Standing.FREE or is_ours(live, self._uid)) and tries:
            moved = self._beside(candidate, live)
            fresh = self._asked(moved, payload_of(moved.manifest, live), tries=tries - 1)
            return replace(fresh, live=live)
        if is_asked_for(candidate.manifest.ref, self._adopts):
            held = self._has_helm_release(live)
            if not kept_by(live, has_helm_release=held):
                return self._adopted(self._beside(candidate, live), live)
        return Asked(outcome=outcome, payload=payload, live=live, is_foreign=True)

    def _beside(self, candidate: Candidate, live: Body) -> Candidate:
        """Return a candidate as it is once its object is known: what an autoscaler or others decide follows that."""
        ref = candidate.manifest.ref
        own = tuple(one for one in self._wanted.manifests if one.ref == ref)
        seen = replace(self._observation, live={**self._observation.live, ref: live})
        found = find_candidates(replace(self._wanted, manifests=own), seen)
        return replace(found[0], live=live) if found else replace(candidate, live=live)

    def _has_helm_release(self, live: Body) -> bool | None:
        """Ask once for each release: its objects may be many."""
        name = helm_release_of(live)
        if name not in self._helm_releases:
            self._helm_releases[name] = has_helm_release(live, self._cluster)
        return self._helm_releases[name]

    def _adopted(self, candidate: Candidate, live: Body) -> Asked:
        """Return what becomes of an object of others that is taken over, its former owners' fields gone."""
        payload = payload_of(candidate.manifest, live)
        outcome: Answer | Refusal = self._dry_run(candidate, payload)
        if isinstance(outcome, Refusal) and outcome.conflicts:
            others = set(owners_of(taken_over(live, is_autoscaled=candidate.is_autoscaled)))
            contested = tuple(one for one in outcome.conflicts if one in others)
            outcome = (not contested and outcome.forced) or replace(outcome, conflicts=contested)
        if isinstance(outcome, Answer):
            settlement: Outcome = Settlement(answer=outcome, manifest=candidate.manifest)
        else:
            settlement = self._settled(candidate, outcome)
        if isinstance(settlement, Recreation):
            settlement = replace(settlement, adopted_from=owner_of(live))
        if not isinstance(settlement, Settlement):
            return Asked(outcome=settlement, payload=payload, live=live)
        body = once_applied(settlement.answer.body, live, settlement.manifest, is_autoscaled=candidate.is_autoscaled)
        finished = self._finished(candidate, body)
        if isinstance(finished, Refusal):
            return Asked(outcome=finished, payload=payload, live=live)
        taken = replace(settlement, answer=finished, adopted_from=owner_of(live))
        return Asked(outcome=taken, payload=payload_of(settlement.manifest, live), live=live)

    def _finished(self, candidate: Candidate, body: Body, *, tries: int = _TRIES) -> Answer | Refusal:
        """Ask the server for the defaults of an object from which fields are gone, again where it was written since."""
        manifest = candidate.manifest
        whole = Payload(ref=manifest.ref, api_version=manifest.api_version, content=canonical_json(body))
        try:
            return self._cluster.replace(whole, is_dry_run=True)
        except ConflictError as error:
            live = self._cluster.get(manifest.ref, version=manifest.version)
            if live is None or not tries:
                return self._refusal(candidate, error)
            version = text_at(live, "metadata", "resourceVersion")
            moved = {**body, "metadata": {**mapping_at(body, "metadata"), "resourceVersion": version}}
            return self._finished(candidate, moved, tries=tries - 1)
        except (RejectedError, ForbiddenError, ObjectNotFoundError, UnknownKindError) as error:
            return self._refusal(candidate, error)

    def _standing(self, manifest: Manifest, live: Body) -> Standing:
        if not is_others(live, self._uid):
            return Standing.FOREIGN
        return standing_of(manifest, live, is_recorded=self._is_recorded(live))

    def _again(self, candidate: Candidate, outcome: Outcome, payload: Payload, tries: int) -> Asked:
        """The autoscaler moved between the list and the dry-run: read again, repeat."""
        live = self._cluster.get(candidate.manifest.ref, version=candidate.manifest.version)
        if live is None:
            return Asked(outcome=outcome, payload=payload)
        moved = replace(candidate, live=live, manifest=following(candidate.manifest, live))
        return replace(self._asked(moved, payload_of(moved.manifest, live), tries=tries - 1), live=live)

    def _dry_run(self, candidate: Candidate, payload: Payload, *, is_forced: bool = False) -> Answer | Refusal:
        try:
            return self._cluster.apply(payload, is_dry_run=True, is_forced=is_forced)
        except ConflictError as error:
            is_autoscalers = owned_by_autoscaler(error.conflicts) and not candidate.is_autoscaled
            if is_autoscalers or (not is_forced and self._came_back(candidate, error)):
                return self._dry_run(candidate, payload, is_forced=True)
            if not error.conflicts or is_forced:
                return Refusal(kind=RefusalKind.REJECTED, lines=error.context)
            # What the bundle's values would make of it is shown beside the conflict, and may be refused itself.
            forced = self._dry_run(candidate, payload, is_forced=True)
            if isinstance(forced, Refusal):
                return replace(forced, conflicts=error.conflicts)
            return Refusal(kind=RefusalKind.CONFLICT, lines=error.context, conflicts=error.conflicts, forced=forced)
        except (RejectedError, ForbiddenError, ObjectNotFoundError, UnknownKindError) as error:
            return self._refusal(candidate, error)

    def _came_back(self, candidate: Candidate, error: ConflictError) -> bool:
        """Return whether only those contest fields who wrote the object again from a backup."""
        is_contested = bool(error.conflicts) and are_restorers(manager for _, manager in error.conflicts)
        return is_contested and candidate.live is not None and is_restored(candidate.live, self._uid)

    def _refusal(self, candidate: Candidate, error: BundlerError) -> Refusal:
        if self._waits_for_plan(candidate.manifest):
            return Refusal(kind=RefusalKind.UNVERIFIABLE, lines=error.context)
        kind = RefusalKind.FORBIDDEN if isinstance(error, ForbiddenError) else RefusalKind.REJECTED
        lines = error.context or (str(error),)
        is_leaving = isinstance(error, ForbiddenError) and error.is_leaving
        lines = (*lines, *self._kept_definition(candidate.manifest))
        return Refusal(kind=kind, lines=lines, is_leaving=is_leaving)

    def _kept_definition(self, manifest: Manifest) -> Iterable[str]:
        """Say that what refuses an older object may be a newer definition, which a rollback leaves as it is."""
        ref = manifest.ref
        if manifest.recorded_in:
            yield f"it was recorded in {manifest.recorded_in}; the cluster serves {manifest.api_version} instead"
        if self._goes_back and (ref.group, ref.kind) in self._own_kinds:
            yield "definitions are not rolled back: where the newer one refuses it, upgrade to a bundle that fits"

    def _waits_for_plan(self, manifest: Manifest) -> bool:
        """A binding to a Role of this plan, or a Pod under a ServiceAccount of this plan, cannot be checked before."""
        ref = manifest.ref
        if ref.kind in {"RoleBinding", "ClusterRoleBinding"}:
            role = mapping_at(manifest.body, "roleRef")
            namespace = ref.namespace if role.get("kind") == "Role" else ""
            needed = replace(ref, kind=text_at(role, "kind"), name=text_at(role, "name"), namespace=namespace)
        elif (ref.group, ref.kind) == ("", "Pod"):
            name = text_at(manifest.body, "spec", "serviceAccountName") or "default"
            needed = replace(ref, kind="ServiceAccount", name=name)
        else:
            return False
        return needed in self._wanted_refs and needed not in self._observation.live

    def _blocked(self, candidate: Candidate) -> Refusal | None:
        ref, version = candidate.manifest.ref, candidate.manifest.version
        defined = self._defined.get((ref.group, ref.kind))
        if defined is not None and version not in defined:
            served = ", ".join(f"{ref.group}/{one}" for one in sorted(defined))
            unserved = f"its definition in this plan serves {ref.kind} only in {served}"
            return Refusal(kind=RefusalKind.UNSERVED, lines=(unserved,))
        if self._cluster.resource_type(ref.group, ref.kind, version) is None:
            if defined is not None:
                return Refusal(kind=RefusalKind.UNVERIFIABLE, lines=("its CRD does not exist yet",))
            return Refusal(kind=RefusalKind.UNSERVED, lines=(self._unserved(candidate.manifest),))
        if ref.namespace in self._observation.missing_namespaces:
            return Refusal(kind=RefusalKind.UNVERIFIABLE, lines=(f"namespace {ref.namespace} does not exist yet",))
        if self._judges.of(ref):
            return Refusal(kind=RefusalKind.UNJUDGED, lines=("nothing answers the webhook that judges it",))
        return None

    def _unserved(self, manifest: Manifest) -> str:
        line = f"the cluster serves no {manifest.ref.kind} in {manifest.api_version}"
        other = self._cluster.resource_type(manifest.ref.group, manifest.ref.kind)
        return line if other is None else f"{line}, only in {other.api_version}"

    def _known_answer(self, candidate: Candidate, payload: Payload) -> Answer | None:
        if self._earlier is None:
            return None
        ref = candidate.manifest.ref
        outcome, sent = self._earlier.outcomes.get(ref), self._earlier.payloads.get(ref)
        if not isinstance(outcome, Answer) or sent is None or sent.content != payload.content:
            return None
        return outcome if _stands_still(self._earlier.observation.live.get(ref), candidate.live) else None


def _is_final(outcome: Outcome) -> bool:
    """Return whether an object cannot be written, whatever is in its way: what refuses it may be what is there."""
    in_the_way = {RefusalKind.CONFLICT, RefusalKind.REJECTED}
    return isinstance(outcome, Refusal) and outcome.kind not in in_the_way


def _is_about_replicas(outcome: Outcome) -> bool:
    if not isinstance(outcome, Refusal) or outcome.kind is not RefusalKind.CONFLICT:
        return False
    return {path for path, _ in outcome.conflicts} == {REPLICAS_PATH}


def _stands_still(before: Body | None, now: Body | None) -> bool:
    """Return whether an object is, but for status, what it was when it was asked about."""
    if before is None or now is None:
        return before is now
    if mapping_at(before, "metadata").get("resourceVersion") == mapping_at(now, "metadata").get("resourceVersion"):
        return True
    same_owner = owned_fields(before, FIELD_MANAGER) == owned_fields(now, FIELD_MANAGER)
    return same_owner and same_content(before, now) and is_deleting(before) == is_deleting(now)


def _written_definitions(wanted: Wanted, observation: Observation) -> Iterable[Manifest]:
    """Return the CRDs that this plan may write: a rollback leaves those that are there as they are."""
    crds = (one for one in wanted.manifests if is_definition(one.ref))
    return (one for one in crds if not (wanted.goes_back_to and one.ref in observation.live))


def _versions_defined_by(crds: Iterable[Manifest]) -> Mapping[tuple[str, str], frozenset[str]]:
    """Return the versions in which each kind will be served once these are written."""
    return {kind_of(crd.body): frozenset(served_versions(crd.body)) for crd in crds}
