"""What the sandbox serves: Kubernetes' own kinds and those of stored definitions. Layer: sandbox, pure over a store."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from bundler.fields.kinds import KindInfo, all_kinds, kind_info, schema_for, schema_from_crd
from bundler.model.definition import DEFINITION, kind_of
from bundler.model.json import items_at, mapping_at, strings_at, text_at
from bundler.model.pattern import LazyPattern
from bundler.model.refs import ResourceType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundler.fields.schema import SchemaNode
    from bundler.model.json import Body
    from bundler.sandbox.store import Transaction

_VERBS = frozenset({"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"})
_REVIEWS = frozenset({"authentication.k8s.io", "authorization.k8s.io"})
_VERSION = LazyPattern(r"v(\d+)(?:(alpha|beta)(\d+))?")
_NOT_STORED = frozenset({("", "Binding"), ("", "ComponentStatus"), ("policy", "Eviction"), ("autoscaling", "Scale")})


def find_type(tx: Transaction, group: str, kind: str, version: str = "") -> ResourceType | None:
    """Return how a kind is served, in the preferred version where none is given.

    Args:
        tx: the open transaction.
        group: API group; empty for the core group.
        kind: of the object, such as ``Deployment``.
        version: empty for the preferred one.
    """
    info = kind_info(group, kind)
    if info is not None:
        return _built_in(info, version) if _is_stored(info) else None
    crd = _defining(tx, group, kind)
    return next((one for one in _custom(crd) if version in ("", one.version)), None) if crd else None


def all_types(tx: Transaction) -> tuple[ResourceType, ...]:
    """Return every kind that is served, in each of its versions, preferred first."""
    built_in = [_built_in(info, version) for info in all_kinds() if _is_stored(info) for version in info.versions]
    custom = [one for crd in _established(tx) for one in _custom(crd)]
    return tuple(one for one in [*built_in, *custom] if one is not None)


def find_schema(tx: Transaction, served: ResourceType) -> SchemaNode | None:
    """Return the schema that objects of a served kind are checked against; None where there is none."""
    if kind_info(served.group, served.kind) is not None:
        return schema_for(served.group, served.version, served.kind)
    crd = _defining(tx, served.group, served.kind)
    return _crd_schema(_Keyed(crd), served.version) if crd else None


def deprecation_of(tx: Transaction, group: str, kind: str, version: str) -> tuple[str, ...]:
    """Return what the server warns of where a custom kind is written in a version that is deprecated.

    Args:
        tx: the open transaction.
        group: API group.
        kind: of the object.
        version: in which it is written.
    """
    crd = None if kind_info(group, kind) else _defining(tx, group, kind)
    if crd is None or _version_of(crd, version).get("deprecated") is not True:
        return ()
    return (text_at(_version_of(crd, version), "deprecationWarning") or _deprecated(crd, version),)


def _deprecated(crd: Body, version: str) -> str:
    group, kind = kind_of(crd)
    usable = (one for one in items_at(crd, "spec", "versions") if one.get("served") and not one.get("deprecated"))
    newest = max((text_at(one, "name") for one in usable), key=_maturity, default="")
    use = f"; use {group}/{newest} {kind}" if newest and _maturity(newest) > _maturity(version) else ""
    return f"{group}/{version} {kind} is deprecated{use}"


def _maturity(version: str) -> tuple[int, int, int]:
    """Return how a version is ordered: v2 after v1 after v2beta1 after v1alpha3; any other name before all."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return -1, 0, 0
    return {"alpha": 0, "beta": 1, None: 2}[found[2]], int(found[1]), int(found[3] or 0)


def has_status(tx: Transaction, served: ResourceType) -> bool:
    """Return whether ``status`` is a subresource of a kind, so that ordinary writes leave it alone."""
    info = kind_info(served.group, served.kind)
    if info is not None:
        return info.has_status
    crd = _defining(tx, served.group, served.kind)
    return crd is not None and "status" in mapping_at(_version_of(crd, served.version), "subresources")


class _Keyed:
    """A definition that a cache can tell apart from its older states."""

    __slots__ = ("body", "key")

    def __init__(self, body: Body) -> None:
        self.body = body
        self.key = (text_at(body, "metadata", "uid"), text_at(body, "metadata", "resourceVersion"))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and other.key == self.key


@lru_cache(maxsize=32)
def _crd_schema(crd: _Keyed, version: str) -> SchemaNode | None:
    return schema_from_crd(crd.body, version)


def _is_stored(info: KindInfo) -> bool:
    return info.group not in _REVIEWS and (info.group, info.kind) not in _NOT_STORED


def _built_in(info: KindInfo, version: str) -> ResourceType | None:
    if version and version not in info.versions:
        return None
    return ResourceType(
        group=info.group,
        version=version or info.versions[0],
        kind=info.kind,
        plural=info.plural,
        is_namespaced=info.is_namespaced,
        verbs=_VERBS,
    )


def _custom(crd: Body) -> Iterator[ResourceType]:
    names = mapping_at(crd, "spec", "names")
    for version in _served_versions(crd):
        yield ResourceType(
            group=text_at(crd, "spec", "group"),
            version=version,
            kind=text_at(names, "kind"),
            plural=text_at(names, "plural"),
            is_namespaced=text_at(crd, "spec", "scope") == "Namespaced",
            verbs=_VERBS,
            short_names=strings_at(names, "shortNames"),
        )


def _served_versions(crd: Body) -> list[str]:
    """Return the served versions, the storage version first."""
    served = [one for one in items_at(crd, "spec", "versions") if one.get("served")]
    return [text_at(one, "name") for one in sorted(served, key=lambda one: not one.get("storage"))]


def _defining(tx: Transaction, group: str, kind: str) -> Body | None:
    """Return the definition of a custom kind that is served."""
    return next((crd for crd in _established(tx) if kind_of(crd) == (group, kind)), None)


def _version_of(crd: Body, version: str) -> Body:
    return next((one for one in items_at(crd, "spec", "versions") if text_at(one, "name") == version), {})


def _established(tx: Transaction) -> Iterator[Body]:
    for crd in tx.peek(*DEFINITION):
        conditions = items_at(crd, "status", "conditions")
        if any(one.get("type") == "Established" and one.get("status") == "True" for one in conditions):
            yield crd
