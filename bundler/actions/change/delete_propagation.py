"""Whether an object's deletion waits for what it owns. Layer: actions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from bundler.concurrency import map_parallel
from bundler.errors.cluster import ForbiddenError, UnknownKindError
from bundler.model.cluster import ListQuery
from bundler.model.json import Body, items_at, text_at
from bundler.model.refs import ObjectRef, group_of
from bundler.planning.order import is_custom

if TYPE_CHECKING:
    from bundler.model.change import Change
    from bundler.ports import Ports

_YOUNG_S = 60.0
"""The garbage collector looks every 30 s which kinds there are. Until it knows one, nothing is deleted in the
foreground: the finalizer waits for it. What is older than this is of a kind that it knows."""
_WITH_PODS = (
    ("", "Pod"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "Job"),
)


def refs_in_foreground(owning: Iterable[Change], ports: Ports) -> frozenset[ObjectRef]:
    """Return what can be deleted in the foreground, so that no one continues before its pods have ended.

    Args:
        owning: deletes that have to wait for what the objects own.
        ports: to look at what objects own.
    """
    all_refs = {change.ref: change for change in owning}
    young = {ref for ref, change in all_refs.items() if _is_young(change, ports)}
    namespaces = sorted({ref.namespace for ref in young})
    childless = {name for name in namespaces if not _has_dependents(name, ports)}
    return frozenset(ref for ref in all_refs if ref not in young or ref.namespace not in childless)


def _is_young(change: Change, ports: Ports) -> bool:
    """Return whether the kind may be too new for the garbage collector: no kind is younger than its objects."""
    if not change.ref.namespace or not is_custom(change.ref):
        return False
    try:
        made = datetime.fromisoformat(text_at(change.before, "metadata", "creationTimestamp"))
        return (ports.clock.now() - made).total_seconds() < _YOUNG_S
    except (ValueError, TypeError):
        return False


def _has_dependents(namespace: str, ports: Ports) -> bool:
    """Return whether anything with pods belongs to a custom object, near or far; yes where we may not look."""

    def is_owned(kind: tuple[str, str]) -> bool:
        try:
            query = ListQuery(group=kind[0], kind=kind[1], namespace=namespace, metadata_only=True)
            return any(_has_custom_owner(body) for body in ports.cluster.list(query).items)
        except ForbiddenError:
            return True
        except UnknownKindError:
            return False

    return any(map_parallel(is_owned, _WITH_PODS))


def _has_custom_owner(body: Body) -> bool:
    owners = items_at(body, "metadata", "ownerReferences")
    return any(
        is_custom(ObjectRef(group_of(text_at(one, "apiVersion")), text_at(one, "kind"), "", "")) for one in owners
    )
