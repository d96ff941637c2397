"""Orders that only their controller lets go: what an uninstall of that controller heeds. Layer: actions."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from bundler.actions.ordering.edit import edit_order
from bundler.errors.change import OrderNotFoundError
from bundler.errors.cluster import ForbiddenError, UnknownKindError
from bundler.model.cluster import ListQuery
from bundler.model.definition import DEFINITION, kind_of
from bundler.model.events import Notice, Warned
from bundler.model.json import Body, mapping_at, strings_at
from bundler.model.orders import FINALIZER, GROUP, MADE_FOR, ORDERS_DEFINITION, RELEASE
from bundler.model.refs import ObjectRef, ref_of
from bundler.model.size import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from bundler.ports import ClusterClient, Ports


def orders_held(owned: Collection[ObjectRef], ports: Ports) -> tuple[ObjectRef, ...]:
    """Return the orders that carry the controller's finalizer, where a release holds the definition of orders.

    Args:
        owned: what the release holds.
        ports: the cluster and the reporter of the run.
    """
    if ORDERS_DEFINITION not in owned:
        return ()
    try:
        return tuple(sorted(_held(ports.cluster)))
    except ForbiddenError as error:
        ports.report(Warned(f"whether orders wait for this controller is not known: {'; '.join(error.context)}"))
        return ()


def let_go(owned: Collection[ObjectRef], ports: Ports) -> None:
    """Take the controller's finalizer off every order, once the controller is gone; their releases stay.

    Args:
        owned: what the release of the controller held.
        ports: the cluster and the reporter of the run.
    """
    held = orders_held(owned, ports)
    for ref in held:
        with suppress(OrderNotFoundError):
            edit_order(ref, _without_finalizer, ports.cluster)
    if held:
        ports.report(Notice(f"took the finalizer {FINALIZER} off {counted(len(held), 'order')}; the releases stay"))


def _held(cluster: ClusterClient) -> Iterator[ObjectRef]:
    query = ListQuery(group=DEFINITION[0], kind=DEFINITION[1], namespace="", label_selector=MADE_FOR)
    for group, kind in ((GROUP, RELEASE), *map(kind_of, cluster.list(query).items)):
        with suppress(UnknownKindError):
            orders = cluster.list(ListQuery(group=group, kind=kind, namespace="", metadata_only=True)).items
            yield from (ref_of(one) for one in orders if FINALIZER in strings_at(one, "metadata", "finalizers"))


def _without_finalizer(order: Body) -> Body:
    left = [one for one in strings_at(order, "metadata", "finalizers") if one != FINALIZER]
    return {**order, "metadata": {**mapping_at(order, "metadata"), "finalizers": left}}
