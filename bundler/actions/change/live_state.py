"""Look at a cluster by lists. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from bundler.concurrency import map_parallel
from bundler.errors.cluster import ForbiddenError, UnknownKindError
from bundler.model.cluster import ListQuery, is_deleting
from bundler.model.definition import is_definition
from bundler.model.json import Body, text_at
from bundler.model.labels import RELEASE_UID
from bundler.model.lean import dataclass
from bundler.model.refs import ObjectRef, ref_of
from bundler.planning.autoscale import AUTOSCALER_KINDS, autoscaled_targets, with_a_say
from bundler.planning.observation import Observation, Wanted
from bundler.planning.ownership import is_ours, lost_its_label

if TYPE_CHECKING:
    from bundler.ports import ClusterClient

_QUOTA = ("", "ResourceQuota")
_FEW = 8
"""So many objects are read one by one rather than listed."""


@dataclass(frozen=True, slots=True, order=True)
class _Shelf:
    """One list to ask for."""

    group: str
    kind: str
    namespace: str
    version: str
    selector: str


def observe(wanted: Wanted, cluster: ClusterClient) -> Observation:
    """Read everything the planner compares with: one list per kind and namespace, nothing object by object.

    Raises:
        ClusterError: when a list of a kind that the release uses is refused.
    """
    shelves = _shelves(wanted, cluster)
    listed = list(zip(shelves, map_parallel(lambda shelf: _list(shelf, cluster), shelves), strict=True))
    found = {ref: body for shelf, bodies in listed for ref, body in bodies or () if shelf.selector}
    around = [pair for shelf, bodies in listed for pair in bodies or () if not shelf.selector]
    ours = [(manifest.ref, manifest.body) for manifest in wanted.manifests]
    missing = _missing_namespaces(wanted, cluster)
    unseen = (ref for ref in wanted.owned if ref not in found and ref.namespace not in missing)
    versions = {manifest.ref: manifest.version for manifest in wanted.manifests}
    staying = list(with_a_say(around, wanted))
    autoscaled = autoscaled_targets([*staying, *ours])
    return Observation(
        live=found | find_unlabelled(unseen, cluster, versions=versions),
        autoscaled=autoscaled,
        newly_autoscaled=frozenset(autoscaled.keys() - autoscaled_targets(staying).keys()),
        quotas=tuple((ref, body) for ref, body in around if (ref.group, ref.kind) == _QUOTA),
        missing_namespaces=missing,
        unserved=frozenset((shelf.group, shelf.kind) for shelf, bodies in listed if bodies is None),
        left_namespaces=_left_namespaces(wanted, cluster),
    )


def observe_neighbours(namespaces: Iterable[str], cluster: ClusterClient) -> Mapping[ObjectRef, Body]:
    """Read all Deployments of some namespaces, those of others too.

    Args:
        namespaces: where workloads go in steps.
        cluster: where.

    Raises:
        ClusterError: when a list is refused: it is one that every plan with a Deployment asks for.
    """
    shelves = [_Shelf("apps", "Deployment", namespace, "", "") for namespace in sorted(set(namespaces))]
    return {ref: body for shelf in shelves for ref, body in _list(shelf, cluster) or ()}


def live_workloads(namespaces: Iterable[str], uid: str, cluster: ClusterClient) -> Mapping[ObjectRef, Body]:
    """Read what of a release starts pods in some namespaces; nothing where that may not be listed.

    Args:
        namespaces: outside of the release's own.
        uid: of the release.
        cluster: where.
    """
    kinds = ((kind, place) for place in sorted(namespaces) for kind in ("Deployment", "StatefulSet", "DaemonSet"))
    return {ref: body for kind, place in kinds for ref, body in _labelled(kind, place, uid, cluster)}


def _labelled(kind: str, namespace: str, uid: str, cluster: ClusterClient) -> list[tuple[ObjectRef, Body]]:
    try:
        return _list(_Shelf("apps", kind, namespace, "", f"{RELEASE_UID}={uid}"), cluster) or []
    except ForbiddenError:
        return []


def _shelves(wanted: Wanted, cluster: ClusterClient) -> list[_Shelf]:
    """Return the lists to ask for: what is wanted (in the version it is written in), then what was owned."""
    selector = f"{RELEASE_UID}={wanted.uid}"
    versions: dict[tuple[str, str, str], str] = {}
    for manifest in wanted.manifests:
        place = (manifest.ref.group, manifest.ref.kind, manifest.ref.namespace)
        versions.setdefault(place, manifest.version)
    for ref in [*(secret.ref for secret in wanted.generated), *wanted.owned]:
        versions.setdefault((ref.group, ref.kind, ref.namespace), "")
    own = [_Shelf(*place, version, selector) for place, version in versions.items()]
    return sorted([*own, *_surroundings(wanted, cluster)])


def _surroundings(wanted: Wanted, cluster: ClusterClient) -> Iterable[_Shelf]:
    """Autoscalers and quotas of others count too: lists without a selector."""
    if wanted.is_removal:
        return
    for namespace in sorted({manifest.ref.namespace for manifest in wanted.manifests if manifest.ref.namespace}):
        for group, kind in (*AUTOSCALER_KINDS, _QUOTA):
            if cluster.resource_type(group, kind) is not None:
                yield _Shelf(group, kind, namespace, "", "")


def _list(shelf: _Shelf, cluster: ClusterClient) -> list[tuple[ObjectRef, Body]] | None:
    """Return what is in a list; None where its kind is not served in any version."""
    version = shelf.version
    if version and cluster.resource_type(shelf.group, shelf.kind, version) is None:
        version = ""
    query = ListQuery(
        group=shelf.group, kind=shelf.kind, namespace=shelf.namespace, version=version, label_selector=shelf.selector
    )
    try:
        items = cluster.list(query).items
    except UnknownKindError:
        return None
    except ForbiddenError:
        if not shelf.selector:
            return []
        raise
    return [(ref_of(body), body) for body in items]


def find_unlabelled(
    refs: Iterable[ObjectRef],
    cluster: ClusterClient,
    *,
    versions: Mapping[ObjectRef, str] = MappingProxyType({}),
    with_shared: bool = False,
) -> dict[ObjectRef, Body]:
    """Find by name what a record names and no list by label shows: someone may have taken the label off.

    Args:
        refs: what was not found by its label; most of it is gone, or was never written.
        cluster: where.
        versions: in which to read; the preferred one of the server where none is given.
        with_shared: find definitions that another release looks after too.
    """
    by_place: dict[tuple[str, str, str], list[ObjectRef]] = {}
    for ref in refs:
        by_place.setdefault((ref.group, ref.kind, ref.namespace), []).append(ref)
    there = map_parallel(lambda few: _askable(few, cluster), list(by_place.values()))
    named = [ref for few in there for ref in few]
    bodies = map_parallel(lambda ref: _get(ref, cluster, versions.get(ref, "")), named)
    found = {ref: body for ref, body in zip(named, bodies, strict=True) if body is not None}
    return {ref: body for ref, body in found.items() if lost_its_label(body) or (with_shared and is_definition(ref))}


def _askable(refs: Sequence[ObjectRef], cluster: ClusterClient) -> Sequence[ObjectRef]:
    return refs if len(refs) <= _FEW or is_definition(refs[0]) else _there(refs, cluster)


def _there(refs: Sequence[ObjectRef], cluster: ClusterClient) -> Sequence[ObjectRef]:
    """Return those of one kind and namespace that exist without a release's label: one list for many names."""
    first = refs[0]
    query = ListQuery(
        group=first.group,
        kind=first.kind,
        namespace=first.namespace,
        label_selector=f"!{RELEASE_UID}",
        metadata_only=True,
    )
    try:
        found = {text_at(body, "metadata", "name") for body in cluster.list(query).items}
    except (UnknownKindError, ForbiddenError):
        return ()
    return [ref for ref in refs if ref.name in found]


def _get(ref: ObjectRef, cluster: ClusterClient, version: str) -> Body | None:
    served = version and cluster.resource_type(ref.group, ref.kind, version) is not None
    try:
        return cluster.get(ref, version=version if served else "")
    except ForbiddenError:
        return None


def _missing_namespaces(wanted: Wanted, cluster: ClusterClient) -> frozenset[str]:
    if wanted.is_removal:
        return frozenset()
    namespaces = {wanted.namespace, *(manifest.ref.namespace for manifest in wanted.manifests)} - {""}
    return frozenset(name for name in namespaces if not namespace_exists(name, cluster))


def _left_namespaces(wanted: Wanted, cluster: ClusterClient) -> frozenset[str]:
    """Return namespaces that were made for the release, and in which it wants nothing any more.

    Uninstall finds those of revisions that are forgotten, too; who may not list namespaces asks for those it knows of.
    """
    used = set() if wanted.is_removal else {wanted.namespace, *(one.ref.namespace for one in wanted.manifests)}
    known = {wanted.namespace, *(ref.namespace for ref in wanted.owned)} - used - {""}
    if not known:
        return frozenset()
    selector = f"{RELEASE_UID}={wanted.uid}"
    query = ListQuery(group="", kind="Namespace", namespace="", label_selector=selector, metadata_only=True)
    try:
        found = cluster.list(query).items
    except ForbiddenError:
        refs = (ObjectRef("", "Namespace", "", name) for name in sorted(known))
        found = tuple(body for ref in refs if (body := _get(ref, cluster, "")) and is_ours(body, wanted.uid))
    made = {text_at(body, "metadata", "name") for body in found if not is_deleting(body)}
    return frozenset(made if wanted.is_removal else made & known)


def namespace_exists(name: str, cluster: ClusterClient) -> bool:
    """Return whether a namespace is there; where we may not ask, it is taken to be."""
    try:
        return cluster.get(ObjectRef("", "Namespace", "", name), metadata_only=True) is not None
    except ForbiddenError:
        return True


def by_ref(bodies: Iterable[Body]) -> Mapping[ObjectRef, Body]:
    """Index objects by their identity."""
    return {ref_of(body): body for body in bodies}
