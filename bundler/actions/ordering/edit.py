"""Change an order in place: what is not meant stays, and a change of someone else is not lost. Layer: actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.errors.change import OrderNotFoundError
from bundler.errors.cluster import ConflictError
from bundler.model.cluster import Payload
from bundler.model.json import canonical_json, text_at
from bundler.model.orders import MANAGER

if TYPE_CHECKING:
    from collections.abc import Callable

    from bundler.model.json import Body
    from bundler.model.refs import ObjectRef
    from bundler.ports import ClusterClient

_TRIES: Final = 5
"""The controller writes the status of an order now and then; more is another writer without end."""


def read_order(ref: ObjectRef, cluster: ClusterClient) -> Body:
    """Return an order as it is.

    Raises:
        OrderNotFoundError: when there is none.
        ClusterError
    """
    body = cluster.get(ref)
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
    for tries_left in reversed(range(_TRIES)):
        body = read_order(ref, cluster)
        wanted = edit(body)
        if wanted == body:
            return body
        payload = Payload(
            ref=ref, api_version=text_at(body, "apiVersion"), content=canonical_json(wanted), manager=MANAGER
        )
        try:
            return cluster.replace(payload).body
        except ConflictError:
            if not tries_left:
                raise
    raise AssertionError
