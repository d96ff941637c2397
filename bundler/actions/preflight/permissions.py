"""Whether we may do what an installation does. Layer: actions.

The API server lists what we may do in a namespace in one answer. What that list does not hold is asked one by one:
rights of the whole cluster, and what an authorizer grants that does not list its rules.
"""

from __future__ import annotations

from functools import partial
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
from bundler.model.names import release_uid
from bundler.planning.restored import is_restored
from bundler.planning.rights import (
    LATER_VERBS,
    WRITE_VERBS,
    Right,
    claim_rights,
    explaining_rights,
    object_rights,
    record_rights,
)
from bundler.resolve.versions import parse_kubernetes_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bundler.actions.preflight.run import PreflightRequest
    from bundler.model.manifest import Manifest
    from bundler.planning.rights import PluralOf
    from bundler.ports import ClusterClient

_MAX_NAMED = 24


def rights_looks(request: PreflightRequest, manifests: Sequence[Manifest], cluster: ClusterClient) -> list[Look]:
    """Return the checks of what we may do, and of what the server knows.

    Args:
        request: bundle, release and site.
        manifests: rendered, in their normal form.
        cluster: the API to ask.
    """
    version = request.next_version
    return [
        Look(name="kinds", make=partial(_kinds, manifests, cluster)),
        *([Look(name="removed APIs", make=partial(_removed, manifests, version))] if version else []),
        Look(name="permissions", make=partial(_rights, request, manifests, cluster)),
    ]


def _kinds(manifests: Sequence[Manifest], cluster: ClusterClient) -> list[Check]:
    defined = {kind_of(one.body) for one in manifests if is_definition(one.ref)}
    unknown = sorted(
        {
            f"{one.ref.kind} ({one.api_version}, {one.source})"
            for one in manifests
            if (one.ref.group, one.ref.kind) not in defined
            and cluster.resource_type(one.ref.group, one.ref.kind, one.api_version.rpartition("/")[2]) is None
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


def _rights(request: PreflightRequest, manifests: Sequence[Manifest], cluster: ClusterClient) -> list[Check]:
    wanted = sorted(set(_wanted(request, manifests, cluster)))
    denied = ask_rights(wanted, cluster)
    if denied is None:
        return [skipped("permissions", "this cluster does not report which permissions we have")]
    if not denied:
        return [passed("permissions", f"{len(wanted)} verbs on resources are allowed")]
    missed = set(denied).intersection(_needed(request, manifests, cluster))
    missed |= _to_take_back(request, manifests, denied, cluster)
    denied.sort(key=lambda right: (right not in missed, right))
    named = "; ".join(right.shown for right in denied[:_MAX_NAMED])
    more = f"; and {len(denied) - _MAX_NAMED} more" if len(denied) > _MAX_NAMED else ""
    hint = "ask the cluster's administrator for a Role with these"
    if missed:
        return [failed("permissions", f"not allowed: {named}{more}", hint)]
    return [warned("permissions", f"enough to install; not allowed, for later: {named}{more}", hint)]


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


def _to_take_back(
    request: PreflightRequest, manifests: Sequence[Manifest], denied: Sequence[Right], cluster: ClusterClient
) -> set[Right]:
    """Return the denied rights to update objects that were restored from a backup; no others are updated."""
    uid = release_uid(request.order.namespace, request.order.release)
    kinds = {(one.ref.group, one.ref.kind, one.ref.namespace) for one in manifests}
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


def _wanted(request: PreflightRequest, manifests: Sequence[Manifest], cluster: ClusterClient) -> Iterator[Right]:
    """Yield what an installation needs, what explains why something is not ready, and what takes things away again."""
    yield from _needed(request, manifests, cluster)
    yield from explaining_rights(request.order.namespace)
    yield from object_rights(manifests, _plurals(cluster), ("watch", *LATER_VERBS))
    yield from claim_rights(manifests)


def _needed(request: PreflightRequest, manifests: Sequence[Manifest], cluster: ClusterClient) -> Iterator[Right]:
    yield from record_rights(request.order.namespace)
    yield from object_rights(manifests, _plurals(cluster), WRITE_VERBS)


def _plurals(cluster: ClusterClient) -> PluralOf:
    def plural_of(group: str, kind: str) -> str | None:
        served = cluster.resource_type(group, kind)
        return served.plural if served else None

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
