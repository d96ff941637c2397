"""Whether we may do what an installation does. Layer: actions.

The API server lists what we may do in a namespace in one answer. What that list does not hold is asked one by one:
rights of the whole cluster, and what an authorizer grants that does not list its rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from bundler.actions.preflight.check_runner import Look
from bundler.concurrency import map_parallel
from bundler.errors.cluster import ForbiddenError, RejectedError
from bundler.fields.removed_apis import removed_in, replacement_for
from bundler.model.access_review import ACCESS_REVIEW, REVIEWS, access_payload, allowed_in, review_payload
from bundler.model.check import Check, failed, passed, skipped, warned
from bundler.model.cluster import ListQuery
from bundler.model.definition import is_definition, kind_of
from bundler.model.json import Body, JSONValue, items_at, list_at
from bundler.model.labels import RELEASE_UID
from bundler.model.lean import dataclass
from bundler.model.names import release_uid
from bundler.model.size import first_of
from bundler.planning.restored import is_restored
from bundler.planning.rights import (
    LATER_VERBS,
    WRITE_VERBS,
    Right,
    claim_rights,
    explaining_rights,
    generated_rights,
    object_rights,
    record_rights,
)
from bundler.resolve.versions import parse_kubernetes_version

if TYPE_CHECKING:
    from bundler.actions.compose.render_request import RenderRequest
    from bundler.actions.preflight.run import PreflightRequest
    from bundler.model.manifest import Manifest
    from bundler.model.refs import ObjectRef
    from bundler.planning.rights import PluralOf
    from bundler.ports import ClusterClient

_MAX_NAMED = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What rights an installation needs."""

    order: RenderRequest
    manifests: Sequence[Manifest]
    generated: Sequence[ObjectRef]
    cluster: ClusterClient

    def all(self) -> Iterator[Right]:
        """Yield what is needed, what explains why something is not ready, and what takes things away again."""
        yield from self.needed()
        yield from explaining_rights(self.manifests, self.order.namespace)
        yield from object_rights(self.manifests, plurals_of(self.cluster), ("watch", *LATER_VERBS))
        yield from claim_rights(self.manifests)

    def needed(self) -> Iterator[Right]:
        """Yield what no installation can do without."""
        yield from record_rights(self.order.namespace)
        yield from object_rights(self.manifests, plurals_of(self.cluster), WRITE_VERBS)
        yield from generated_rights(self.generated)


def rights_looks(
    request: PreflightRequest,
    manifests: Sequence[Manifest],
    cluster: ClusterClient,
    *,
    generated: Sequence[ObjectRef] = (),
) -> list[Look]:
    """Return the checks of what we may do, and of what the server knows.

    Args:
        request: bundle, release and site.
        manifests: rendered, in their normal form.
        cluster: the API to ask.
        generated: the Secrets that are generated.
    """
    version = request.next_version
    wanted = _Wanted(order=request.order, manifests=manifests, generated=generated, cluster=cluster)
    return [
        Look(name="kinds", make=partial(_kinds, manifests, cluster)),
        *([Look(name="removed APIs", make=partial(_removed, manifests, version))] if version else []),
        Look(name="permissions", make=partial(_rights, wanted)),
    ]


def _kinds(manifests: Sequence[Manifest], cluster: ClusterClient) -> list[Check]:
    defined = {kind_of(one.body) for one in manifests if is_definition(one.ref)}
    unknown = sorted(
        {
            f"{one.ref.kind} ({one.api_version}, {one.source})"
            for one in manifests
            if (one.ref.group, one.ref.kind) not in defined
            and cluster.resource_type(one.ref.group, one.ref.kind, one.version) is None
        }
    )
    if unknown:
        return [failed("kinds", f"not served: {', '.join(unknown)}", "install what defines them first")]
    return [passed("kinds", f"{len({(one.ref.group, one.ref.kind) for one in manifests})} kinds are served")]


def _removed(manifests: Sequence[Manifest], version: str) -> list[Check]:
    """Name what a Kubernetes to come no longer serves."""
    target = parse_kubernetes_version(version)
    found = [(one, removed_in(one.api_version, one.ref.kind)) for one in manifests]
    gone = [(one, since) for one, since in found if since and parse_kubernetes_version(since) <= target]
    if not gone:
        return [passed("removed APIs", f"Kubernetes {version} serves every version that is written")]
    named = sorted(f"{one.ref.short} ({one.api_version}, until {since}; {one.source})" for one, since in gone)
    hints = sorted({hint for one, _ in gone if (hint := replacement_for(one.ref.group, one.ref.kind))})
    return [failed("removed APIs", f"not served by Kubernetes {version}: {', '.join(named)}", "; ".join(hints))]


def _rights(asked: _Wanted) -> list[Check]:
    wanted = sorted(set(asked.all()))
    denied = ask_rights(wanted, asked.cluster)
    if denied is None:
        return [skipped("permissions", "this cluster does not report which permissions we have")]
    if not denied:
        return [passed("permissions", f"{len(wanted)} verbs on resources are allowed")]
    missed = set(denied).intersection(asked.needed()) | _to_take_back(asked, denied)
    denied.sort(key=lambda right: (right not in missed, right))
    named = "; ".join(first_of([right.shown for right in denied], _MAX_NAMED))
    hint = "ask the cluster's administrator for a Role with these"
    if missed:
        return [failed("permissions", f"not allowed: {named}", hint)]
    return [warned("permissions", f"enough to install; not allowed, for later: {named}", hint)]


def ask_rights(wanted: Sequence[Right], cluster: ClusterClient) -> list[Right] | None:
    """Return those rights that we do not have; None where the cluster does not say which we have.

    Args:
        wanted: rights, each once.
        cluster: the API to ask.
    """
    if cluster.resource_type(REVIEWS, ACCESS_REVIEW) is None:
        return None
    rules = {name: _rules_in(name, cluster) for name in {right.namespace for right in wanted} - {""}}
    unlisted = [right for right in wanted if not _is_listed(right, rules.get(right.namespace, ()))]
    answers = map_parallel(partial(_is_allowed, cluster), unlisted)
    if wanted and len(unlisted) == len(wanted) and all(answer is None for answer in answers):
        return None
    return [right for right, answer in zip(unlisted, answers, strict=True) if answer is False]


def _to_take_back(asked: _Wanted, denied: Sequence[Right]) -> set[Right]:
    """Return the denied rights to update objects that were restored from a backup; no others are updated."""
    uid, cluster = release_uid(asked.order.namespace, asked.order.release), asked.cluster
    kinds = {(one.ref.group, one.ref.kind, one.ref.namespace) for one in asked.manifests}
    found = set()
    for group, kind, namespace in sorted(kinds):
        served = cluster.resource_type(group, kind)
        right = Right(group, served.plural, namespace, "update") if served else None
        if right is not None and right in denied and _has_restored(group, kind, namespace, uid=uid, cluster=cluster):
            found.add(right)
    return found


def _has_restored(group: str, kind: str, namespace: str, *, uid: str, cluster: ClusterClient) -> bool:
    labels = f"{RELEASE_UID}={uid}"
    query = ListQuery(group=group, kind=kind, namespace=namespace, label_selector=labels, metadata_only=True)
    try:
        return any(is_restored(live, uid) for live in cluster.list(query).items)
    except ForbiddenError:
        return False


def plurals_of(cluster: ClusterClient, defined: Mapping[tuple[str, str], str] = MappingProxyType({})) -> PluralOf:
    """Return what says how a kind is called in rights: as the cluster serves it, else as it is about to be defined."""

    def plural_of(group: str, kind: str) -> str | None:
        served = cluster.resource_type(group, kind)
        return served.plural if served else defined.get((group, kind))

    return plural_of


def _rules_in(namespace: str, cluster: ClusterClient) -> list[Body]:
    """Return what we may do in a namespace, as far as the server lists it."""
    kind = "SelfSubjectRulesReview"
    if cluster.resource_type(REVIEWS, kind) is None:
        return []
    payload = review_payload(kind, {"namespace": namespace}, name=f"rules-{namespace}")
    try:
        return list(items_at(cluster.create(payload, is_dry_run=True).body, "status", "resourceRules"))
    except RejectedError:
        return []


def _is_listed(right: Right, rules: Iterable[Body]) -> bool:
    wanted = (("verbs", right.verb), ("apiGroups", right.group), ("resources", right.plural))
    return any(
        not list_at(rule, "resourceNames") and all({"*", word}.intersection(list_at(rule, key)) for key, word in wanted)
        for rule in rules
    )


def _is_allowed(cluster: ClusterClient, right: Right) -> bool | None:
    """Ask; None where the server gives no answer."""
    plural, _, part = right.plural.partition("/")
    attributes: dict[str, JSONValue] = {"group": right.group, "resource": plural, "verb": right.verb}
    attributes |= {"subresource": part} if part else {}
    if right.namespace:
        attributes["namespace"] = right.namespace
    payload = access_payload(attributes, name=f"{right.verb}-{right.plural}")
    try:
        return allowed_in(cluster.create(payload, is_dry_run=True).body)
    except RejectedError:
        return None
