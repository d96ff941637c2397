"""The order that keeps a release: found before a change, and shown with the release. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.errors.cluster import ForbiddenError
from bundler.model.cluster import ListQuery
from bundler.model.events import Notice, Warned
from bundler.model.orders import GROUP, RELEASE, KeepingOrder, keeping_order, order_ref

if TYPE_CHECKING:
    from bundler.actions.release.terms import Terms
    from bundler.ports import ClusterClient, Ports


def serves_orders(cluster: ClusterClient) -> bool:
    """Return whether the cluster knows orders, as far as it was asked already what it serves."""
    return any(kind.group == GROUP and kind.kind == RELEASE for kind in cluster.resource_types())


def order_at_first(namespace: str, release: str, terms: Terms, ports: Ports) -> KeepingOrder | None:
    """Return the order of a release for a plan; no request is sent where no orders are known to be served.

    Args:
        namespace: of the release.
        release: its name.
        terms: what the change is checked against.
        ports: the cluster and the reporter of the run.
    """
    if terms.follows_failure or not serves_orders(ports.cluster):
        return None
    try:
        return _read(namespace, release, ports.cluster)
    except ForbiddenError as error:
        ports.report(Warned(f"whether an order keeps release {release} is not known: {'; '.join(error.context)}"))
        return None


def order_under_lock(namespace: str, release: str, terms: Terms, ports: Ports) -> KeepingOrder | None:
    """Return the order of a release as the server has it now, whatever is known of the kinds that it serves.

    Args:
        namespace: of the release.
        release: its name.
        terms: what the change is checked against.
        ports: the cluster and the reporter of the run.
    """
    if terms.follows_failure:
        return None
    try:
        return _read(namespace, release, ports.cluster)
    except ForbiddenError:  # said with the first plan
        return None


def orders_shown(namespace: str, release: str, ports: Ports) -> tuple[KeepingOrder, ...]:
    """Return the orders of releases, to be shown with them; no request is sent where none are known to be served.

    Args:
        namespace: of the releases; empty: all.
        release: the one that is meant; empty: all.
        ports: the cluster and the reporter of the run.
    """
    if not serves_orders(ports.cluster):
        return ()
    try:
        if release:
            found = _read(namespace, release, ports.cluster)
            return (found,) if found is not None else ()
        query = ListQuery(group=GROUP, kind=RELEASE, namespace=namespace)
        return tuple(map(keeping_order, ports.cluster.list(query).items))
    except ForbiddenError as error:
        ports.report(Notice(f"whether orders keep releases is not known: {'; '.join(error.context)}"))
        return ()


def _read(namespace: str, release: str, cluster: ClusterClient) -> KeepingOrder | None:
    body = cluster.get(order_ref(namespace, release))
    return keeping_order(body) if body is not None else None
