"""What pods ask for: of their node, and of what belongs to others. Layer: planning, pure.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards, "Baseline"; what it allows is listed here,
anything else is ``privileged``.
"""

from __future__ import annotations

from collections.abc import Iterator

from bundler.fields.kinds import pod_spec_path
from bundler.model.json import Body, JSONValue, is_list, is_mapping, items_at, mapping_at, text_at
from bundler.model.manifest import Manifest
from bundler.model.refs import ObjectRef
from bundler.planning.reach.privileges import container_privileges, pod_privileges
from bundler.planning.reach.volumes import claim_grants, source_grants

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_SYSTEM = "system-"
_CLUSTER_AUDIENCES = {"", "api", "https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local"}
_SHAPE = frozenset(
    [*_CONTAINERS, "volumes", "securityContext", "hostNetwork", "hostPID", "hostIPC", "serviceAccountName"]
)
"""Keys by which a part of a custom resource is taken for a pod spec, or for a piece of one."""


def pod_grants(manifest: Manifest, own: frozenset[ObjectRef]) -> Iterator[tuple[str, str]]:
    """Yield what the pods of a workload ask for, or those that a custom resource describes."""
    ref, body = manifest.ref, manifest.body
    path = pod_spec_path(ref.group, ref.kind)
    if path is not None:
        yield from pod_privileges(mapping_at(body, *path), mapping_at(body, *path[:-1], "metadata", "annotations"))
        yield from _spec_grants(mapping_at(body, *path), ref.namespace, own)
    elif ref.kind != "CustomResourceDefinition":  # its schema has the same keys, and nothing below them
        for shape in _shapes_in(body):
            yield from pod_privileges(shape, {})
            yield from _spec_grants(shape, ref.namespace, own)


def _shapes_in(value: JSONValue) -> Iterator[Body]:
    """Yield what looks like a pod spec or a piece of one, the whole before what it is made of."""
    if is_list(value):
        for item in value:
            yield from _shapes_in(item)
    elif is_mapping(value):
        known = value.keys() & _SHAPE
        if known:
            yield value
        for key, item in value.items():
            if key not in known:
                yield from _shapes_in(item)


def _spec_grants(pod: Body, namespace: str, own: frozenset[ObjectRef]) -> Iterator[tuple[str, str]]:
    for group in _CONTAINERS:
        for container in items_at(pod, group):
            yield from container_privileges(container)
            for name in _secrets_of_container(container):
                yield from _foreign("Secret", name, namespace, own)
    for volume in items_at(pod, "volumes"):
        yield from _volume_grants(volume, namespace, own)
    yield from _scheduling(pod)
    account = text_at(pod, "serviceAccountName") or text_at(pod, "serviceAccount")
    if account != "default":
        yield from _foreign("ServiceAccount", account, namespace, own)


def _scheduling(pod: Body) -> Iterator[tuple[str, str]]:
    if node := text_at(pod, "nodeName"):
        yield "node-placement", f"runs on the node {node}"
    if (priority := text_at(pod, "priorityClassName")).startswith(_SYSTEM):
        yield "system-priority", f"has the priority {priority}"


def _volume_grants(volume: Body, namespace: str, own: frozenset[ObjectRef]) -> Iterator[tuple[str, str]]:
    yield from source_grants(volume)
    yield from claim_grants(mapping_at(volume, "ephemeral", "volumeClaimTemplate", "spec"), namespace, own)
    yield from _foreign("Secret", text_at(volume, "secret", "secretName"), namespace, own)
    yield from _foreign("PersistentVolumeClaim", text_at(volume, "persistentVolumeClaim", "claimName"), namespace, own)
    for source in items_at(volume, "projected", "sources"):
        yield from _foreign("Secret", text_at(source, "secret", "name"), namespace, own)
        audience = text_at(source, "serviceAccountToken", "audience")
        if audience not in _CLUSTER_AUDIENCES:
            yield "token-audience", f"takes a token for {audience}"


_FOREIGN = {
    "Secret": ("foreign-secrets", "reads the Secret"),
    "ServiceAccount": ("foreign-accounts", "runs as the ServiceAccount"),
    "PersistentVolumeClaim": ("foreign-volumes", "mounts the claim"),
}


def _foreign(kind: str, name: str, namespace: str, own: frozenset[ObjectRef]) -> Iterator[tuple[str, str]]:
    if name and ObjectRef("", kind, namespace, name) not in own:
        grant, does = _FOREIGN[kind]
        yield grant, f"{does} {name}, which is not in the bundle"


def _secrets_of_container(container: Body) -> Iterator[str]:
    for variable in items_at(container, "env"):
        yield text_at(variable, "valueFrom", "secretKeyRef", "name")
    for source in items_at(container, "envFrom"):
        yield text_at(source, "secretRef", "name")
