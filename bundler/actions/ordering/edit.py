"""Change an order in place: what is not meant stays, and a change of someone else is not lost. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.actions.change.rewrite import rewrite
from bundler.errors.change import OrderNotFoundError
from bundler.model.events import Notice
from bundler.model.orders import MANAGER, KeepingOrder, with_suspension

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.actions.release.terms import Terms
    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef
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
