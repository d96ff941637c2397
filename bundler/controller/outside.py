"""What a release has outside of its namespace, while that is deleted with everything in it. Layer: controller.

There is no record any more and no lock that could be taken: each object is deleted for itself, once, and what cannot be
is named. Nothing here keeps the namespace.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from bundler.controller.order import Deletion, Order
from bundler.errors import BundlerError
from bundler.model import labels
from bundler.model.json import text_at
from bundler.model.kept import kept_because
from bundler.model.lean import dataclass, replace
from bundler.model.names import release_uid

if TYPE_CHECKING:
    from bundler import ClusterClient, Session
    from bundler.model.release import InventoryEntry
    from bundler.ports import Clock

MOST_S: Final = 20.0
"""After that the rest is only named."""
_RBAC: Final = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """What became of the objects outside of a namespace."""

    deleted: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """Each with the reason."""


def outside(order: Order, entries: Iterable[InventoryEntry]) -> tuple[InventoryEntry, ...]:
    """Return what of a release is outside of its namespace; rights last, because the others may need them."""
    found = (replace(one, manifest=None) for one in entries if one.ref.namespace != order.namespace)
    return tuple(sorted(found, key=lambda one: (one.ref.group == _RBAC, one.ref)))


def clear(order: Order, remembered: Iterable[InventoryEntry], tenant: Session, clock: Clock) -> Cleared:
    """Delete what is outside of the namespace of an order, as far as an uninstall would.

    Args:
        order: that is deleted with its namespace.
        remembered: what its release had outside of it; the record counts where it still is there.
        tenant: acts as the ServiceAccount of the order.
        clock: the time.
    """
    try:
        entries: Iterable[InventoryEntry] = outside(
            order, tenant.status(order.name, namespace=order.namespace).revision.inventory
        )
    except BundlerError:
        entries = remembered
    spared, end_s = _spared(order), clock.monotonic() + MOST_S
    deleted: list[str] = []
    left: list[str] = []
    for entry in entries:
        why = spared or ("there was no time left" if clock.monotonic() > end_s else "")
        try:
            found = why or _delete(entry, release_uid(order.namespace, order.name), tenant.cluster)
        except BundlerError as error:
            found = "; ".join(error.context) or str(error)
        if found:
            left.append(f"{entry.ref.short} ({found})")
        elif found is not None:
            deleted.append(entry.ref.short)
    return Cleared(deleted=tuple(deleted), left=tuple(left))


def _spared(order: Order) -> str:
    if order.deletion is Deletion.ORPHAN:
        return "the order says deletion: Orphan"
    return "the order is protected" if order.is_protected else ""


def _delete(entry: InventoryEntry, uid: str, cluster: ClusterClient) -> str | None:
    """Delete an object; return why it stays, and None where there is nothing to delete.

    Raises:
        BundlerError: when it cannot be deleted.
    """
    live = cluster.get(entry.ref, metadata_only=True)
    if live is None or text_at(live, "metadata", "deletionTimestamp"):
        return None
    if text_at(live, "metadata", "labels", labels.RELEASE_UID) != uid:
        return None
    why = kept_because(entry.ref, entry, live)
    if not why:
        cluster.delete(entry.ref, uid=text_at(live, "metadata", "uid"))
    return why
