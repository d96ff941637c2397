"""Change an order in place: other fields stay, and concurrent changes are not lost. Layer: actions.

Orders are suspended and resumed here, and let go: the finalizer of a controller that is gone would hold them for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from bundler.actions.change.rewrite import rewrite
from bundler.errors.change import OrderNotFoundError
from bundler.errors.cluster import ForbiddenError, UnknownKindError
from bundler.model.cluster import ListQuery
from bundler.model.definition import DEFINITION, kind_of
from bundler.model.events import Notice, Warned
from bundler.model.json import Body, mapping_at, strings_at
from bundler.model.orders import (
    FINALIZER,
    GROUP,
    MADE_FOR,
    MANAGER,
    ORDERS_DEFINITION,
    RELEASE,
    KeepingOrder,
    with_suspension,
)
from bundler.model.refs import ObjectRef, ref_of
from bundler.model.size import counted

if TYPE_CHECKING:
    from bundler.actions.release.terms import Terms
    from bundler.ports import ClusterClient, Ports


def read_order(ref: ObjectRef, cluster: ClusterClient) -> Body:
    """Return an order as it is.

    Raises:
        OrderNotFoundError: when there is none.
        ClusterError
    """
    return _existing(ref, cluster.get(ref))


def _existing(ref: ObjectRef, body: Body | None) -> Body:
    if body is None:
        raise OrderNotFoundError(
            f"reading {ref.short} in namespace {ref.namespace}",
            context=["there is no such order"],
            hint=f"make one with `bundler order {ref.name} --create SOURCE`, or check the name and the namespace (-n)",
        )
    return body


def edit_order(ref: ObjectRef, edit: Callable[[Body], Body], cluster: ClusterClient) -> Body:
    """Read an order, change it and write it, again where someone wrote in between; return it as it is then.

    Args:
        ref: the order.
        edit: returns the order as it is to be; called again with what someone else wrote.
        cluster: where it is.

    Raises:
        OrderNotFoundError: when there is none.
        ConflictError: when others write all the time.
        ClusterError
    """

    def edited(found: Body | None) -> Body | None:
        body = _existing(ref, found)
        wanted = edit(body)
        return None if wanted == body else wanted

    return _existing(ref, rewrite(ref, edited, cluster, manager=MANAGER))


def suspend_for(order: KeepingOrder | None, terms: Terms, ports: Ports) -> str:
    """Suspend the order of a release where the change says so; return what was written, in words; empty for nothing.

    Args:
        order: of the release; None where there is none.
        terms: what the change is checked against.
        ports: the cluster and the reporter of the run.
    """
    if order is None or order.is_suspended or not terms.accepted.suspends_order:
        return ""
    edit_order(order.ref, lambda body: with_suspension(body, is_on=True), ports.cluster)
    back = f"bundler resume {order.ref.name} -n {order.ref.namespace}"
    ports.report(Notice(f"suspended {order.ref.short}: no one corrects the release until `{back}`"))
    return f"the suspension of {order.ref.short}"


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
