"""Make a plan: look, ask, compare; and what it was made of. Layer: actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.actions.change.ask_server import Asked, Asker, IsRecorded
from bundler.actions.change.definitions import find_risks, newer_definitions, unused_definitions
from bundler.actions.change.live_state import observe
from bundler.concurrency import map_parallel
from bundler.model.cluster import Answer, Payload
from bundler.model.definition import is_definition, kind_of
from bundler.model.lean import dataclass, field, replace
from bundler.planning.backup import is_backup
from bundler.planning.candidates import find_candidates
from bundler.planning.ignored_fields import same_content
from bundler.planning.observation import Candidate, Observation, Outcome, Refusal, RefusalKind, Settlement, Wanted
from bundler.planning.ownership import is_ours
from bundler.planning.planner import build_plan, reach_of
from bundler.planning.taking import is_others

if TYPE_CHECKING:
    from bundler.model.change import Change, Plan, ReachNote
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef
    from bundler.model.rollout import Rollout
    from bundler.ports import ClusterClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan with everything that made it, so that it can be carried out, or made again with less asking."""

    plan: Plan
    wanted: Wanted
    observation: Observation
    candidates: Mapping[ObjectRef, Candidate] = field(default_factory=dict)
    outcomes: Mapping[ObjectRef, Outcome] = field(default_factory=dict)
    payloads: Mapping[ObjectRef, Payload] = field(default_factory=dict)
    """The bytes that were dry-run; the same bytes are applied."""
    reach: tuple[ReachNote, ...] = ()
    """What the wanted objects reach, whatever is live."""

    @property
    def creates_namespace(self) -> bool:
        """Return whether the release's namespace must be made first."""
        return self.wanted.namespace in self.observation.missing_namespaces

    @property
    def new_namespaces(self) -> tuple[str, ...]:
        """Return the namespaces that must be made first: the release's, and those that its bundle declares."""
        wanted = self.wanted
        made = {one.ref.name for one in wanted.manifests if (one.ref.group, one.ref.kind) == ("", "Namespace")}
        declared = {wanted.namespace, *(frozenset(wanted.reach.namespaces) - made)}
        return tuple(sorted(self.observation.missing_namespaces & declared))


def _cannot_be_seen(live: Body) -> bool | None:
    """Where no records are available, every object of another release is foreign."""
    del live
    return None


def make_plan(
    wanted: Wanted, cluster: ClusterClient, *, earlier: Planned | None = None, is_recorded: IsRecorded = _cannot_be_seen
) -> Planned:
    """Plan what brings the cluster to what is wanted; nothing is written.

    Args:
        wanted: normalised, stamped manifests and what was owned before.
        cluster: where.
        earlier: a plan made before, whose dry-run answers hold for objects that did not move since.
        is_recorded: says whether the release whose label an object carries still exists.

    Raises:
        PlanError: when components need each other in a circle.
        ClusterError: when the API server cannot be asked.
    """
    observation = observe(wanted, cluster)
    newer = newer_definitions(wanted.manifests, observation.live)
    observation = replace(observation, newer=newer, unused=unused_definitions(wanted, observation, cluster))
    candidates = find_candidates(wanted, observation, known=earlier.candidates if earlier else {})
    asker = Asker(wanted, observation, cluster, earlier, is_recorded)
    asked = _ask_all(candidates, asker)
    generated = _find_generated(wanted, observation, cluster)
    observation = _with_findings(observation, asked, generated, _Claims(wanted.uid, is_recorded))
    outcomes = {ref: one.outcome for ref, one in asked.items()}
    doubtful = [_as_found(one, asked[one.manifest.ref]) for one in candidates if one.manifest.ref in asked]
    observation = replace(observation, risks=find_risks(wanted, doubtful, cluster))
    known = {candidate.manifest.ref: candidate for candidate in candidates}
    # What moved while it was asked about, or is taken over, is judged by what was seen last.
    moved = [one for one in wanted.manifests if one.ref in asked and asked[one.ref].live is not None]
    known |= {one.manifest.ref: one for one in find_candidates(replace(wanted, manifests=tuple(moved)), observation)}
    payloads = {ref: one.payload for ref, one in asked.items()}
    candidates = tuple(known[one.ref] for one in wanted.manifests)
    reach = earlier.reach if earlier and earlier.wanted is wanted else reach_of(wanted)
    plan = build_plan(wanted, observation, outcomes, candidates=candidates, payloads=payloads, reach=reach)
    backups = tuple(map(_backup_candidate, filter(is_backup, plan.changes)))
    for ref, one in _ask_all(backups, asker).items():
        outcomes[ref], payloads[ref] = one.outcome, one.payload
    known |= {candidate.manifest.ref: candidate for candidate in backups}
    return Planned(
        plan=plan,
        wanted=wanted,
        observation=observation,
        candidates=known,
        outcomes=outcomes,
        payloads=payloads,
        reach=reach,
    )


def _as_found(candidate: Candidate, asked: Asked) -> tuple[Candidate, Outcome]:
    """Return a candidate with its answer, and with what was in its way where that becomes the release's."""
    is_taken = asked.live is not None and not (asked.is_foreign or asked.is_shared)
    return (replace(candidate, live=asked.live) if is_taken else candidate), asked.outcome


def in_steps(planned: Planned, rollout: Rollout) -> Planned:
    """Return a plan with the steps of a rollout; nothing is asked again, and what it changes is the same.

    Args:
        planned: the plan without them.
        rollout: with the step that comes next.
    """
    wanted = replace(planned.wanted, rollout=rollout)
    steps = _plan_again(planned, wanted, planned.observation).steps
    return replace(planned, plan=replace(planned.plan, steps=steps), wanted=wanted)


def without_stuck(planned: Planned, pods: Mapping[ObjectRef, Body]) -> Planned:
    """Return the plan of an abort that deletes the pods that would be in its way, too; nothing else is asked again.

    Args:
        planned: the plan without that.
        pods: new ones of StatefulSets that are not ready.
    """
    seen = replace(planned.observation, stuck_pods=pods)
    return replace(planned, plan=_plan_again(planned, planned.wanted, seen), observation=seen)


def without_hooks(planned: Planned) -> Planned:
    """Return a plan in which no hook runs, since there is nothing for it to run at; nothing is asked again."""
    wanted = planned.wanted
    own = tuple(one for one in wanted.manifests if one.ref not in wanted.hooks)
    resting = replace(wanted, manifests=own, hook_run=None, hooks=frozenset(), dormant=wanted.dormant | wanted.hooks)
    return replace(planned, plan=_plan_again(planned, resting, planned.observation))


def _plan_again(planned: Planned, wanted: Wanted, seen: Observation) -> Plan:
    candidates = [planned.candidates[one.ref] for one in wanted.manifests]
    return build_plan(
        wanted, seen, planned.outcomes, candidates=candidates, payloads=planned.payloads, reach=planned.reach
    )


def _backup_candidate(change: Change) -> Candidate:
    """A backup is asked about once a plan is found to lose data; what the server says of it is in no plan."""
    if change.desired is None:
        raise AssertionError(f"{change.ref} is not a backup")
    return Candidate(manifest=change.desired, rendered=change.desired, live=None, is_autoscaled=False, settled=None)


def _ask_all(candidates: tuple[Candidate, ...], asker: Asker) -> Mapping[ObjectRef, Asked]:
    open_ones = [candidate for candidate in candidates if candidate.settled is None]
    answers = map_parallel(asker.ask, open_ones)
    return _await_definitions(list(zip(open_ones, answers, strict=True)))


def _await_definitions(asked: Sequence[tuple[Candidate, Asked]]) -> Mapping[ObjectRef, Asked]:
    """What the server refuses while this plan changes its CRD is asked again once that is written."""
    crds = [(one, answer.outcome) for one, answer in asked if is_definition(one.manifest.ref)]
    changing = frozenset(kind_of(one.manifest.body) for one, outcome in crds if _changes(one, outcome))

    def judged(ref: ObjectRef, one: Asked) -> Asked:
        outcome = one.outcome
        if isinstance(outcome, Refusal) and outcome.kind is RefusalKind.REJECTED and (ref.group, ref.kind) in changing:
            return replace(one, outcome=replace(outcome, kind=RefusalKind.UNVERIFIABLE))
        return one

    return {one.manifest.ref: judged(one.manifest.ref, answer) for one, answer in asked}


def _changes(candidate: Candidate, outcome: Outcome) -> bool:
    outcome = outcome.answer if isinstance(outcome, Settlement) else outcome
    return isinstance(outcome, Answer) and (candidate.live is None or not same_content(candidate.live, outcome.body))


def _find_generated(wanted: Wanted, observation: Observation, cluster: ClusterClient) -> Mapping[ObjectRef, Body]:
    """Find generated secrets whose name is taken: what carries no label of ours was in no list."""
    unseen = [secret.ref for secret in wanted.generated if secret.ref not in observation.live]
    askable = [ref for ref in unseen if ref.namespace not in observation.missing_namespaces]
    found = zip(askable, map_parallel(cluster.get, askable), strict=True)
    return {ref: body for ref, body in found if body is not None}


@dataclass(frozen=True, slots=True, kw_only=False)
class _Claims:
    """Whether a generated Secret that is there may be this release's."""

    uid: str
    is_recorded: IsRecorded

    def hold(self, live: Body) -> bool:
        """Return whether it is ours, or was left behind by a release that is gone."""
        return is_ours(live, self.uid) or (is_others(live, self.uid) and self.is_recorded(live) is False)


def _with_findings(
    observation: Observation, asked: Mapping[ObjectRef, Asked], generated: Mapping[ObjectRef, Body], claims: _Claims
) -> Observation:
    """Add what asking brought to light: objects that moved or may be taken, and objects of others."""
    moved = {ref: one.live for ref, one in asked.items() if one.live is not None and not one.is_foreign}
    foreign = {ref: one.live for ref, one in asked.items() if one.live is not None and one.is_foreign}
    held = frozenset(ref for ref, body in generated.items() if claims.hold(body))
    moved |= {ref: body for ref, body in generated.items() if ref in held}
    foreign |= {ref: body for ref, body in generated.items() if ref not in held}
    shared = frozenset(ref for ref, one in asked.items() if one.is_shared)
    live = {**observation.live, **moved}
    newer = {ref: one.newer for ref, one in asked.items() if one.newer}
    return replace(observation, live=live, foreign=foreign, shared=shared, newer={**observation.newer, **newer})
