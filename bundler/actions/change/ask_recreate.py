"""Ask the API server what would become of an object that is deleted and created again, and whether claims may grow.

Layer: actions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bundler.errors import respelled
from bundler.errors.cluster import ForbiddenError, RejectedError
from bundler.model.change import GrownClaim
from bundler.model.cluster import Answer, ListQuery, Payload
from bundler.model.json import Body, canonical_json, text_at
from bundler.model.lean import replace
from bundler.model.refs import ObjectRef
from bundler.planning.claim_growth import (
    claim_size,
    claims_of,
    grown_body,
    growth_reason,
    is_growth,
    is_stateful_set,
    needs_growth,
    resized_templates,
)
from bundler.planning.observation import Candidate, Recreation, Refusal, RefusalKind
from bundler.planning.recreate import (
    are_claims_alone,
    as_created,
    created_again,
    frozen_fields,
    keeps_pods,
    lacks_room,
    rule_for,
    says_immutable,
    trial_of,
    why_recreated,
)

if TYPE_CHECKING:
    from bundler.model.bundle import RecreateRule
    from bundler.model.manifest import Manifest
    from bundler.ports import ClusterClient


def ask_to_recreate(
    candidate: Candidate,
    refusal: Refusal,
    rules: Sequence[RecreateRule],
    cluster: ClusterClient,
    try_out: Callable[[Manifest], Answer | Refusal],
) -> Recreation | Refusal | None:
    """Return what becomes of an object whose immutable fields change; None where it may not be recreated.

    A StatefulSet of which only the sizes of claims grow is recreated around its pods whether it is named or not:
    nothing is lost.

    Args:
        candidate: the object, rendered and live.
        refusal: of a dry-run of the change in place.
        rules: which objects may be recreated.
        cluster: where.
        try_out: dry-runs a manifest that has no live object.
    """
    live, manifest = candidate.live, candidate.manifest
    if live is None or refusal.kind is not RefusalKind.REJECTED or not any(map(says_immutable, refusal.lines)):
        return None
    sizes = resized_templates(live, manifest.body) if is_stateful_set(manifest.ref) else {}
    is_growth_alone = bool(sizes) and are_claims_alone(frozen_fields(live, manifest.body))
    rule = rule_for(manifest, rules)
    if rule is None and not is_growth_alone:
        return None
    claims = ask_for_growth(manifest.ref, sizes, cluster) if sizes else ()
    if isinstance(claims, Refusal):
        return claims
    created = created_again(candidate)
    answer = _answer(created, live, try_out)
    if isinstance(answer, Refusal):
        return answer
    stays = is_stateful_set(manifest.ref) and keeps_pods(live, manifest.body)
    why = [] if rule is None or is_growth_alone else [why_recreated(candidate, rule, stays=stays)]
    why += [growth_reason(claims, sizes)] if sizes else []
    return Recreation(manifest=created, answer=answer, reason="; ".join(why), claims=claims, keeps_pods=stays)


def _answer(wanted: Manifest, live: Body, try_out: Callable[[Manifest], Answer | Refusal]) -> Answer | Refusal | None:
    """Ask what the server makes of an object; None where it cannot be asked while the old one counts."""
    trial = trial_of(wanted, live)
    answer = try_out(trial)
    if isinstance(answer, Answer):
        return replace(answer, body=as_created(answer.body, wanted, live))
    if lacks_room(answer.lines):
        return None  # the old one still counts
    lines = (respelled(line, lambda text: text.replace(trial.ref.name, wanted.ref.name)) for line in answer.lines)
    return replace(answer, lines=tuple(lines))


def ask_for_growth(
    stateful_set: ObjectRef, sizes: Mapping[str, tuple[str, str]], cluster: ClusterClient
) -> tuple[GrownClaim, ...] | Refusal:
    """Dry-run the growth of each claim that is smaller than what is wanted; admission refuses what its class forbids.

    Args:
        stateful_set: whose claims they are.
        sizes: template -> live size and wanted size.
        cluster: where.
    """
    query = ListQuery(group="", kind="PersistentVolumeClaim", namespace=stateful_set.namespace)
    claims = cluster.list(query).items
    if not is_growth(sizes):
        lines = [line for name, (_, new) in sizes.items() for line in _shrinking(stateful_set, name, new, claims)]
        lines = lines or [
            f"its claims {name} ask for {old}; they cannot shrink to {new}, ask for {old} or more"
            for name, (old, new) in sizes.items()
        ]
        return Refusal(kind=RefusalKind.REJECTED, lines=tuple(lines), is_about_claims=True)
    grown, refused = list[GrownClaim](), list[str]()
    for name, (_, size) in sizes.items():
        for claim in claims_of(stateful_set, name, claims):
            if needs_growth(claim, size):
                one = _grown(claim, size)
                refused += _refusal_of(one, claim, cluster)
                grown.append(one)
    if refused:
        return Refusal(kind=RefusalKind.REJECTED, lines=tuple(refused), is_about_claims=True)
    return tuple(grown)


def _grown(claim: Body, size: str) -> GrownClaim:
    name, namespace = text_at(claim, "metadata", "name"), text_at(claim, "metadata", "namespace")
    ref = ObjectRef("", "PersistentVolumeClaim", namespace, name)
    return GrownClaim(ref=ref, before=claim_size(claim), after=size, body=grown_body(claim, size))


def _refusal_of(one: GrownClaim, claim: Body, cluster: ClusterClient) -> Iterator[str]:
    payload = Payload(ref=one.ref, api_version="v1", content=canonical_json(one.body))
    try:
        cluster.apply(payload, is_dry_run=True, is_forced=True)
    except (ForbiddenError, RejectedError) as error:
        where = f"its storage class {text_at(claim, 'spec', 'storageClassName') or '(none)'}"
        yield f"claim {one.ref.name} cannot grow from {one.before} to {one.after} ({where}): {'; '.join(error.context)}"


def _shrinking(stateful_set: ObjectRef, template: str, size: str, claims: tuple[Body, ...]) -> Iterator[str]:
    for claim in claims_of(stateful_set, template, claims):
        name, has = text_at(claim, "metadata", "name"), claim_size(claim)
        yield f"claim {name} has {has} and cannot shrink to {size}; ask for {has} or more"
