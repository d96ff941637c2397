"""Built-in kinds: scope, schema, immutable fields, pod specs. Layer: fields, pure but for its own data file.

Source: kinds.json, made by tests/tools/generate_kinds.py from Kubernetes' own OpenAPI documents; read once, when first
asked for (1 to 2 ms).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from bundler.fields.schema import SchemaNode, schema_from_crd as _schema_from_crd
from bundler.model.json import Body, JSONValue, value_at
from bundler.model.lean import dataclass
from bundler.model.refs import group_of


@dataclass(frozen=True, slots=True, order=True)
class KindInfo:
    """How a built-in kind is served."""

    group: str
    kind: str
    plural: str
    is_namespaced: bool
    versions: tuple[str, ...]
    """Preferred first."""
    has_status: bool
    """Whether it has a status subresource: other writes then leave ``status`` alone."""


_Row: TypeAlias = "tuple[str, str, Mapping[str, int]]"
"""Plural, flags, and the place of each version's schema, the preferred version first."""


_SCHEMAS: Final = b',"schemas":[\n'
_END: Final = b"\n]}\n"


class SchemaLines:
    """The table of schemas, a line of JSON each, read when it is asked for: few objects need many of them."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._nodes: list[Any] = list(lines)

    def __getitem__(self, place: int) -> Any:
        node = self._nodes[place]
        if isinstance(node, bytes):
            node = self._nodes[place] = json.loads(node)
        return node


@dataclass(frozen=True, slots=True)
class _Data:
    kinds: Mapping[tuple[str, str], _Row]
    """By group and kind."""
    schemas: SchemaLines
    metadata: int


@lru_cache(maxsize=1)
def _data() -> _Data:
    head, _, lines = Path(__file__).with_name("kinds.json").read_bytes().partition(_SCHEMAS)
    loaded = json.loads(head + b"}")
    kinds = {(group, kind): (plural, flags, versions) for group, kind, plural, flags, versions in loaded["kinds"]}
    return _Data(kinds, SchemaLines(lines.removesuffix(_END).split(b",\n")), loaded["metadata"])


@lru_cache(maxsize=256)
def schema_for(group: str, version: str, kind: str) -> SchemaNode | None:
    """Return the schema of a built-in kind, None where it is not one.

    Args:
        group: API group; empty for the core group.
        version: of the API.
        kind: of the object, such as ``Deployment``.
    """
    data = _data()
    _, flags, versions = data.kinds.get((group, kind), ("", "", {}))
    if version not in versions:
        return None
    return SchemaNode(versions[version], data.schemas, drops_empty=True, has_status="t" in flags)


def schema_of(body: Body) -> SchemaNode | None:
    """Return the schema of a built-in object by its ``apiVersion`` and ``kind``, None where it is not built in."""
    group, _, version = str(body.get("apiVersion", "")).rpartition("/")
    return schema_for(group, version, str(body.get("kind", "")))


@lru_cache(maxsize=1)
def schema_of_unknown() -> SchemaNode:
    """Return what is known of every object: its metadata. The rest is deduced from what is there."""
    data = _data()
    fields = {"apiVersion": "s", "kind": "s", "metadata": data.metadata}
    return SchemaNode({"f": fields, "v": "a", "h": 1}, data.schemas, drops_empty=False)


def schema_from_crd(crd: Body, version: str) -> SchemaNode | None:
    """Return the schema of the objects that a CRD serves as ``version``, None where it does not."""
    data = _data()
    return _schema_from_crd(crd, version, metadata=(data.metadata, data.schemas))


@lru_cache(maxsize=256)
def kind_info(group: str, kind: str) -> KindInfo | None:
    """Return how a built-in kind is served."""
    found = _data().kinds.get((group, kind))
    return None if found is None else _info(group, kind, found)


def _info(group: str, kind: str, row: _Row) -> KindInfo:
    plural, flags, versions = row
    return KindInfo(group, kind, plural, "n" in flags, tuple(versions), "t" in flags)


def all_kinds() -> tuple[KindInfo, ...]:
    """Return every built-in kind, sorted."""
    return tuple(sorted(_info(*key, row) for key, row in _data().kinds.items()))


def scope_of(group: str, kind: str) -> bool | None:
    """Return whether a kind is namespaced; None where it is not built in."""
    info = kind_info(group, kind)
    return None if info is None else info.is_namespaced


def plural_of(group: str, kind: str) -> str | None:
    """Return ``deployments`` for ``Deployment``; None where it is not built in."""
    info = kind_info(group, kind)
    return None if info is None else info.plural


def preferred_version(group: str, kind: str) -> str | None:
    """Return ``v1`` for ``Deployment``; None where it is not built in."""
    info = kind_info(group, kind)
    return None if info is None else info.versions[0]


_TEMPLATE = ("spec", "template", "spec")
_POD_SPECS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): ("spec",),
    ("", "PodTemplate"): ("template", "spec"),
    ("", "ReplicationController"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("batch", "CronJob"): ("spec", "jobTemplate", *_TEMPLATE),
    ("batch", "Job"): _TEMPLATE,
}


def pod_spec_path(group: str, kind: str) -> tuple[str, ...] | None:
    """Return where the pod spec of a workload kind stands: ``("spec", "template", "spec")``."""
    return _POD_SPECS.get((group, kind))


# --- fields that cannot change -----------------------------------------------------------------------------------

_ROLE_REF = ("roleRef",)
_IMMUTABLE: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Secret"): ("type",),
    ("", "PersistentVolumeClaim"): (
        "spec.accessModes", "spec.dataSource", "spec.dataSourceRef", "spec.selector", "spec.storageClassName",
        "spec.volumeMode", "spec.volumeName",
    ),
    ("", "PersistentVolume"): ("spec.volumeMode", "spec.csi", "spec.hostPath", "spec.nfs", "spec.local"),
    ("", "Service"): ("spec.clusterIP",),
    ("apps", "ControllerRevision"): ("data",),
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "ReplicaSet"): ("spec.selector",),
    ("apps", "StatefulSet"): (
        "spec.podManagementPolicy", "spec.selector", "spec.serviceName", "spec.volumeClaimTemplates",
    ),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): (
        "spec.group", "spec.names.kind", "spec.names.plural", "spec.scope",
    ),
    ("batch", "Job"): (
        "spec.backoffLimitPerIndex", "spec.completionMode", "spec.completions", "spec.managedBy",
        "spec.podFailurePolicy", "spec.selector", "spec.successPolicy", "spec.template",
    ),
    ("certificates.k8s.io", "CertificateSigningRequest"): ("spec",),
    ("discovery.k8s.io", "EndpointSlice"): ("addressType",),
    ("networking.k8s.io", "IngressClass"): ("spec.controller",),
    ("node.k8s.io", "RuntimeClass"): ("handler",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _ROLE_REF,
    ("rbac.authorization.k8s.io", "RoleBinding"): _ROLE_REF,
    ("resource.k8s.io", "ResourceClaim"): ("spec",),
    ("resource.k8s.io", "ResourceClaimTemplate"): ("spec",),
    ("scheduling.k8s.io", "PriorityClass"): ("preemptionPolicy", "value"),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
    ("storage.k8s.io", "VolumeAttachment"): ("spec",),
    ("storage.k8s.io", "VolumeAttributesClass"): ("driverName", "parameters"),
}  # fmt: skip
"""Source: the update validations in pkg/apis/*/validation of Kubernetes v1.36."""
_SET_ONCE = frozenset({"spec.volumeName", "spec.clusterIP", "spec.storageClassName"})
"""May be filled in where they are empty."""


def immutable_paths(group: str, kind: str) -> tuple[str, ...]:
    """Return the dotted paths of a built-in kind's fields that cannot change once they are set."""
    return _IMMUTABLE.get((group, kind), ())


def immutable_changes(before: Body, after: Body) -> tuple[str, ...]:
    """Return the dotted paths of immutable fields of a built-in kind that differ: ``spec.selector``.

    Args:
        before: the object as it lives.
        after: the object as it would be, defaults filled in (a dry-run's answer, or a merged object).
    """
    group, kind = group_of(str(before.get("apiVersion", ""))), str(before.get("kind", ""))
    paths = list(immutable_paths(group, kind))
    if (group, kind) == ("", "Service") and value_at(after, "spec", "type") == "ExternalName":
        paths = []
    if before.get("immutable") is True and (group, kind) in {("", "ConfigMap"), ("", "Secret")}:
        paths += ["binaryData", "data", "immutable"]
    return tuple(path for path in sorted(paths) if _changed(path, before, after))


def _changed(path: str, before: Body, after: Body) -> bool:
    steps = path.split(".")
    old, new = value_at(before, *steps), value_at(after, *steps)
    if _is_empty(old) and (path in _SET_ONCE or _is_empty(new)):
        return False
    return old != new


def _is_empty(value: JSONValue) -> bool:
    return value is None or value in ("", {}, [])
