"""What a release writes outside its namespace, and what it grants. Layer: planning, pure.

Each family of grants has its rules in one of the modules here; :mod:`bundler.model.reach` names them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from bundler.errors.change import UndeclaredReachError
from bundler.model.change import ReachNote
from bundler.model.manifest import Source
from bundler.planning.problem import Problem
from bundler.planning.reach.cluster import cluster_grants
from bundler.planning.reach.network import network_grants
from bundler.planning.reach.pods import pod_grants
from bundler.planning.reach.rbac import rbac_grants
from bundler.planning.reach.volumes import volume_grants

if TYPE_CHECKING:
    from bundler.model.bundle import Reach
    from bundler.model.manifest import GeneratedSecret, Manifest
    from bundler.model.refs import ObjectRef

_FAMILIES = (pod_grants, rbac_grants, network_grants, volume_grants, cluster_grants)


def find_reach(
    manifests: Iterable[Manifest],
    *,
    namespace: str,
    declared: Reach,
    generated: Iterable[GeneratedSecret] = (),
) -> tuple[ReachNote, ...]:
    """Return every way in which the objects leave the release's namespace or grant power, declared or not.

    Args:
        manifests: all objects of the release, since what is not among them belongs to someone else.
        namespace: the release's own.
        declared: what bundle.yaml declares.
        generated: Secrets that bundler makes for the release.
    """
    objects = tuple(manifests)
    own = frozenset([*(one.ref for one in objects), *(secret.ref for secret in generated)])
    return tuple(sorted({note for one in objects for note in object_reach(one, own, namespace, declared)}))


def object_reach(one: Manifest, own: frozenset[ObjectRef], namespace: str, declared: Reach) -> Iterator[ReachNote]:
    """Yield every way in which one object leaves the release's namespace or grants power.

    Args:
        one: the object.
        own: all objects of the release.
        namespace: the release's own.
        declared: what bundle.yaml declares.
    """
    for kind, subject, place in _outside(one.ref, namespace):
        yield ReachNote(kind, subject, _is_declared_place(one.ref, declared), str(one.source), place=place)
    for family in _FAMILIES:
        for kind, detail in family(one, own):
            yield ReachNote(kind, f"{one.ref.short}: {detail}", kind in declared.grants, str(one.source))


def undeclared_reach(notes: Iterable[ReachNote]) -> Iterator[Problem]:
    """Find where a bundle does more than it declares."""
    refused = [note for note in notes if note.is_undeclared]
    if refused:
        yield Problem(
            error=UndeclaredReachError,
            doing="checking what the bundle writes and grants",
            lines=tuple(
                Source.parse(note.source).found(f"{note.kind}: {note.subject}", subject=note.short) for note in refused
            ),
            hint=f"declare it under spec of bundle.yaml, `reach: {_in_flow(refused)}` "
            "(`bundler lint --write-reach` does that), or remove it",
        )


def declaration_of(notes: Iterable[ReachNote]) -> dict[str, tuple[str, ...]]:
    """Return what ``spec.reach`` must say so that none of the notes is refused; keys without a name are left out."""
    wanted: dict[str, set[str]] = {"clusterScoped": set(), "namespaces": set(), "grants": set()}
    for note in notes:
        match note.kind:
            case "cluster-scoped":
                wanted["clusterScoped"].add(note.place)
            case "namespace":
                wanted["namespaces"].add(note.place)
            case grant:
                wanted["grants"].add(grant)
    return {key: tuple(sorted(names)) for key, names in wanted.items() if names}


def _in_flow(notes: Sequence[ReachNote]) -> str:
    return "{" + ", ".join(f"{key}: [{', '.join(names)}]" for key, names in declaration_of(notes).items()) + "}"


def _outside(ref: ObjectRef, namespace: str) -> Iterable[tuple[str, str, str]]:
    if not ref.namespace and (ref.group, ref.kind, ref.name) != ("", "Namespace", namespace):
        yield "cluster-scoped", f"{ref.kind}/{ref.name}", ref.kind
    elif ref.namespace and ref.namespace != namespace:
        yield "namespace", f"{ref.kind}/{ref.name} in {ref.namespace}", ref.namespace


def _is_declared_place(ref: ObjectRef, declared: Reach) -> bool:
    if ref.namespace:
        return ref.namespace in declared.namespaces or "*" in declared.namespaces
    qualified = f"{ref.kind}.{ref.group}" if ref.group else ref.kind
    return ref.kind in declared.cluster_scoped or qualified in declared.cluster_scoped
