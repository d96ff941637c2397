"""Find out whether the claims of a StatefulSet may grow, which its templates alone do not make them. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.cluster import ForbiddenError, RejectedError
from bundler.model.change import GrownClaim
from bundler.model.cluster import ListQuery, Payload
from bundler.model.json import canonical_json, text_at
from bundler.model.refs import ObjectRef
from bundler.planning.claim_growth import claim_size, claims_of, grown_body, is_growth, needs_growth
from bundler.planning.observation import Refusal, RefusalKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bundler.model.json import Body
    from bundler.ports import ClusterClient


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
        return Refusal(kind=RefusalKind.REJECTED, lines=tuple(lines))
    grown, refused = list[GrownClaim](), list[str]()
    for name, (_, size) in sizes.items():
        for claim in claims_of(stateful_set, name, claims):
            if needs_growth(claim, size):
                one = _grown(claim, size)
                refused += _refusal_of(one, claim, cluster)
                grown.append(one)
    if refused:
        return Refusal(kind=RefusalKind.REJECTED, lines=tuple(refused))
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
