"""The objects that are orders: read, held by a finalizer, and told their status. Layer: controller.

Of each kind of orders there is one source; everything else of the controller knows none of the kinds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final, Protocol

from bundler import ClusterClient, ListQuery, Payload
from bundler.controller.order import Order, parse_deleted, parse_order
from bundler.controller.status_body import says_more
from bundler.model.json import Body, mapping_at, strings_at, text_at
from bundler.model.orders import FINALIZER, GROUP, RELEASE
from bundler.model.refs import ObjectRef, ref_of

if TYPE_CHECKING:
    from bundler.ports import Clock

MANAGER: Final = "bundler-controller"
"""Whose the fields are that the controller writes into orders."""
STATUS_PAUSE_S: Final = 1.0
"""Between two writes of the status of one order."""


class OrderSource(Protocol):
    """Orders of one kind."""

    @property
    def queries(self) -> tuple[ListQuery, ...]:
        """What lists them: one query for each namespace that may be searched, or one for all."""
        ...

    def is_of(self, key: ObjectRef) -> bool:
        """Return whether an object is such an order."""
        ...

    def parse(self, body: Body) -> Order:
        """Read an order.

        Raises:
            OrderInvalidError: with everything that cannot be used.
        """
        ...


class ReleaseOrders:
    """Objects of the kind Release."""

    def __init__(self, namespaces: Collection[str] = ()) -> None:
        """Take where they are.

        Args:
            namespaces: empty: everywhere.
        """
        self._namespaces = tuple(namespaces) or ("",)

    @property
    def queries(self) -> tuple[ListQuery, ...]:
        """What lists them."""
        return tuple(ListQuery(group=GROUP, kind=RELEASE, namespace=one) for one in self._namespaces)

    def is_of(self, key: ObjectRef) -> bool:
        """Return whether an object is such an order."""
        return (key.group, key.kind) == (GROUP, RELEASE)

    def parse(self, body: Body) -> Order:
        """Read an order; of one that is being deleted little has to be right."""
        return parse_deleted(body) if text_at(body, "metadata", "deletionTimestamp") else parse_order(body)


class Orders:
    """Reads and writes orders, whatever their kind; acts as the controller."""

    def __init__(self, cluster: ClusterClient, clock: Clock, *sources: OrderSource) -> None:
        """Take where orders are.

        Args:
            cluster: acts as the controller.
            clock: says when a status may be written again.
            sources: one for each kind.
        """
        self._cluster, self._clock, self.sources = cluster, clock, sources
        self._written: dict[ObjectRef, float] = {}

    def keys(self) -> Iterator[ObjectRef]:
        """Yield every order that is there.

        Raises:
            ClusterError: when they cannot be listed.
        """
        for source in self.sources:
            for query in source.queries:
                yield from map(ref_of, self._cluster.list(query).items)

    def read(self, key: ObjectRef) -> Body | None:
        """Return an order as it is now; None where it is gone.

        Raises:
            ClusterError: when it cannot be read.
        """
        body = self._cluster.get(key)
        if body is None:
            self._written.pop(key, None)
        return body

    def parse(self, body: Body) -> Order:
        """Read an order.

        Raises:
            OrderInvalidError: with everything that cannot be used.
        """
        key = ref_of(body)
        return next(source for source in self.sources if source.is_of(key)).parse(body)

    def hold(self, body: Body) -> Body:
        """Add our finalizer, and return the order as it is then.

        Raises:
            ConflictError: when the order moved; it is read again then.
        """
        held = strings_at(body, "metadata", "finalizers")
        return body if FINALIZER in held else self._with_finalizers(body, (*held, FINALIZER))

    def let_go(self, body: Body) -> None:
        """Take our finalizer off; those of others stay.

        Raises:
            ConflictError: when the order moved; it is read again then.
        """
        held = strings_at(body, "metadata", "finalizers")
        self._with_finalizers(body, tuple(one for one in held if one != FINALIZER))

    def write_status(self, body: Body, status: Body) -> float:
        """Write the status of an order, where it says anything new.

        Args:
            body: the order, as it was read.
            status: what is said of it.

        Returns:
            The seconds until it may be written, where that is too soon now; else 0.

        Raises:
            ConflictError: when the order moved; it is read again then.
        """
        if not says_more(status, mapping_at(body, "status")):
            return 0.0
        key, now_s = ref_of(body), self._clock.monotonic()
        left_s = self._written.get(key, now_s - STATUS_PAUSE_S) + STATUS_PAUSE_S - now_s
        if left_s > 0:
            return left_s
        meta = mapping_at(body, "metadata")
        kept = {name: text_at(meta, name) for name in ("name", "namespace", "uid", "resourceVersion")}
        told: Body = {
            "apiVersion": text_at(body, "apiVersion"),
            "kind": text_at(body, "kind"),
            "metadata": kept,
            "spec": body.get("spec"),
            "status": status,
        }
        self._cluster.replace(Payload.of(told, subresource="status", manager=MANAGER))
        self._written[key] = now_s
        return 0.0

    def _with_finalizers(self, body: Body, finalizers: tuple[str, ...]) -> Body:
        meta = {key: value for key, value in mapping_at(body, "metadata").items() if key != "managedFields"}
        held: Body = {**body, "metadata": {**meta, "finalizers": list(finalizers)}}
        return self._cluster.replace(Payload.of(held, manager=MANAGER)).body
