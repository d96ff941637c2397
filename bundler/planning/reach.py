"""What a release writes outside its namespace, and what it grants. Layer: planning, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.change import UndeclaredReachError
from bundler.fields.kinds import pod_spec_path
from bundler.model.change import ReachNote
from bundler.model.json import items_at, list_at, mapping_at, text_at, value_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bundler.model.bundle import Reach
    from bundler.model.json import Body
    from bundler.model.manifest import Manifest
    from bundler.model.refs import ObjectRef

_RBAC = "rbac.authorization.k8s.io"
_WEBHOOKS = {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}
_DANGEROUS_VERBS = ("escalate", "bind", "impersonate")


def find_reach(manifests: Iterable[Manifest], *, namespace: str, declared: Reach) -> tuple[ReachNote, ...]:
    """Return every way in which the objects leave the release's namespace or grant power, declared or not."""
    notes: set[ReachNote] = set()
    for manifest in manifests:
        for kind, subject in _outside(manifest.ref, namespace):
            notes.add(ReachNote(kind, subject, _is_declared_place(manifest.ref, declared), str(manifest.source)))
        for kind, detail in _grants(manifest.ref, manifest.body):
            subject = f"{manifest.ref.short}: {detail}"
            notes.add(ReachNote(kind, subject, kind in declared.grants, str(manifest.source)))
    return tuple(sorted(notes))


def refuse_undeclared(notes: Sequence[ReachNote]) -> None:
    """Stop where a bundle does more than it declares.

    Raises:
        UndeclaredReachError: with every undeclared note.
    """
    undeclared = [note for note in notes if not note.is_declared]
    if undeclared:
        raise UndeclaredReachError(
            "checking what the bundle writes and grants",
            context=[f"{note.source}: {note.kind}: {note.subject}" for note in undeclared],
            hint=f"declare it under spec of bundle.yaml, `reach: {_declaration(undeclared)}`, or take it out",
        )


def _declaration(notes: Iterable[ReachNote]) -> str:
    """Return what must be added to ``spec.reach``."""
    wanted: dict[str, set[str]] = {"clusterScoped": set(), "namespaces": set(), "grants": set()}
    for note in notes:
        match note.kind:
            case "cluster-scoped":
                wanted["clusterScoped"].add(note.subject.partition("/")[0])
            case "namespace":
                wanted["namespaces"].add(note.subject.rpartition(" in ")[2])
            case grant:
                wanted["grants"].add(grant)
    return "{" + ", ".join(f"{key}: [{', '.join(sorted(names))}]" for key, names in wanted.items() if names) + "}"


def _outside(ref: ObjectRef, namespace: str) -> Iterable[tuple[str, str]]:
    if not ref.namespace and (ref.group, ref.kind, ref.name) != ("", "Namespace", namespace):
        yield "cluster-scoped", f"{ref.kind}/{ref.name}"
    elif ref.namespace and ref.namespace != namespace:
        yield "namespace", f"{ref.kind}/{ref.name} in {ref.namespace}"


def _is_declared_place(ref: ObjectRef, declared: Reach) -> bool:
    if ref.namespace:
        return ref.namespace in declared.namespaces or "*" in declared.namespaces
    qualified = f"{ref.kind}.{ref.group}" if ref.group else ref.kind
    return ref.kind in declared.cluster_scoped or qualified in declared.cluster_scoped


def _grants(ref: ObjectRef, body: Body) -> Iterable[tuple[str, str]]:
    if ref.group == _RBAC:
        yield from _rbac_grants(ref, body)
    elif ref.kind in _WEBHOOKS:
        yield "webhooks", "intercepts requests to the API server"
    path = pod_spec_path(ref.group, ref.kind)
    if path is not None:
        yield from _pod_grants(mapping_at(body, *path))


def _rbac_grants(ref: ObjectRef, body: Body) -> Iterable[tuple[str, str]]:
    if ref.kind.endswith("Binding") and text_at(body, "roleRef", "name") in {"cluster-admin", "admin", "edit"}:
        yield "rbac-wildcard", f"binds {text_at(body, 'roleRef', 'name')}"
    for rule in items_at(body, "rules"):
        verbs, resources = list_at(rule, "verbs"), list_at(rule, "resources")
        if "*" in verbs or "*" in resources or "*" in list_at(rule, "apiGroups"):
            yield "rbac-wildcard", "grants *"
        if any(str(resource).partition("/")[0] == "secrets" for resource in resources):
            yield "rbac-secrets", f"grants {', '.join(map(str, verbs))} on secrets"
        for verb in _DANGEROUS_VERBS:
            if verb in verbs:
                yield f"rbac-{verb}", f"grants {verb}"


def _pod_grants(pod: Body) -> Iterable[tuple[str, str]]:
    for shared in ("hostNetwork", "hostPID", "hostIPC"):
        if value_at(pod, shared) is True:
            yield "privileged", f"uses {shared}"
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for container in items_at(pod, group):
            if value_at(container, "securityContext", "privileged") is True:
                yield "privileged", f"container {text_at(container, 'name')} is privileged"
    for volume in items_at(pod, "volumes"):
        if value_at(volume, "hostPath") is not None:
            yield "host-path", f"mounts {text_at(volume, 'hostPath', 'path')} of the node"
