"""Orders that are part of the release of another order: whose they are, as whom they work, how deep. Layer: controller.

A template of a bundle may be an order itself. While the release above waits for it to be ready, or to be gone, changes
of the two are under way at once; how deep an order is says which changes may wait for which.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from bundler.errors.change import OrderInvalidError
from bundler.model.access_review import ACCESS_REVIEW, REVIEWS, access_payload, allowed_in
from bundler.model.json import Body, mapping_at, text_at
from bundler.model.labels import RELEASE_UID
from bundler.model.lean import dataclass, replace
from bundler.model.names import release_uid
from bundler.model.orders import IN_AN_OBJECT, PART_OF, made_for
from bundler.model.refs import ref_of

if TYPE_CHECKING:
    from bundler import ClusterClient, ListQuery, ObjectRef
    from bundler.controller.order import Order
    from bundler.ports import Clock

    ActAs = Callable[[str, str], ClusterClient]

DEEPEST: Final = 4
"""How many orders may be above another one."""
SEARCH_EVERY_S: Final = 30.0
"""Between two searches for the order of a release that had none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The orders above an order."""

    above: tuple[Body, ...] = ()
    """The order whose release it is part of, then the one above that, up to the first."""

    @property
    def depth(self) -> int:
        """How many orders are above."""
        return len(self.above)

    @property
    def account(self) -> tuple[str, str] | None:
        """Namespace and name of the ServiceAccount that the order above works as; None where it names none."""
        places = ((ref_of(one).namespace, text_at(one, "spec", "serviceAccountName")) for one in self.above)
        return next((one for one in places if one[1]), None)

    def settle(self, order: Order) -> Order:
        """Return an order with the ServiceAccount of the order above it, where it names none itself.

        Args:
            order: as it was read.
        """
        place, name = self.account or ("", "")
        return (
            replace(order, service_account=name)
            if name and not order.service_account and place == order.namespace
            else order
        )

    def check(self, order: Order) -> None:
        """Refuse an order that would be made of itself without end, or that is too deep.

        Args:
            order: as it was read.

        Raises:
            OrderInvalidError: with the chain of orders.
        """
        refs = [ref_of(one) for one in self.above]
        chain = " → ".join(ref.short for ref in (*reversed(refs), order.ref))
        if order.ref in refs:
            found = f"it is part of the release that it orders: {chain}"
        elif any(_bundle_of(one) == _bundle_named(order) for one in self.above):
            found = f"an order above it is of the same bundle, so that there would be no end: {chain}"
        elif self.depth > DEEPEST:
            found = f"more than {DEEPEST} orders are above it: {chain}"
        else:
            return
        raise OrderInvalidError(
            f"reading {order.ref.short} in namespace {order.namespace}",
            context=[found],
            hint=f"take the template that renders {order.ref.short} out of the bundle",
        )


class Families:
    """Finds the orders above orders; several threads may ask."""

    def __init__(self, cluster: ClusterClient, queries: Iterable[ListQuery], clock: Clock) -> None:
        """Search nothing yet.

        Args:
            cluster: acts as the controller.
            queries: what lists orders.
            clock: says when it may be searched again.
        """
        self._cluster, self._clock = cluster, clock
        self._queries = tuple(replace(one, metadata_only=True) for one in queries)
        self._guard = threading.Lock()
        self._places: dict[str, ObjectRef] = {}
        self._missed_s: dict[str, float] = {}
        """When the order of a release was searched for in vain."""

    def of(self, body: Body) -> Family:
        """Return the orders above an order.

        Args:
            body: the order.

        Raises:
            ClusterError: when they cannot be read.
        """
        above: list[Body] = []
        uid = _release_above(body)
        while uid and len(above) <= DEEPEST and (found := self._order_of(uid)) is not None:
            above.append(found)
            uid = _release_above(found)
        return Family(above=tuple(above))

    def _order_of(self, uid: str) -> Body | None:
        """Return the order of a release; None where it has none."""
        with self._guard:
            if uid not in self._places:
                self._search(uid)
            place = self._places.get(uid)
        return self._cluster.get(place) if place is not None else None

    def _search(self, uid: str) -> None:
        now_s = self._clock.monotonic()
        if now_s < self._missed_s.get(uid, now_s - SEARCH_EVERY_S) + SEARCH_EVERY_S:
            return
        found = [ref_of(one) for query in self._queries for one in self._cluster.list(query).items]
        self._places = {release_uid(ref.namespace, ref.name): ref for ref in found}
        self._missed_s = {one: when_s for one, when_s in self._missed_s.items() if one not in self._places}
        if uid not in self._places:
            self._missed_s[uid] = now_s


def check_account(order: Order, body: Body, family: Family, default: str, act_as: ActAs) -> None:
    """Refuse an order that a template renders, and that works as someone whom the order above may not act as.

    A Menu names the ServiceAccount of its orders itself: that is its admin's word, and not the template's.

    Args:
        order: with the ServiceAccount that it works as; empty: the controller's default.
        body: the same as it was read.
        family: the orders above.
        default: the ServiceAccount of orders that name none.
        act_as: returns the cluster as a ServiceAccount sees it.

    Raises:
        OrderInvalidError: when it would have the rights of another one.
        ClusterError: when the cluster does not answer.
    """
    if not family.above or made_for(body):
        return
    place, name = family.account or (ref_of(family.above[0]).namespace, default)
    wanted = order.service_account or default
    if (
        not name
        or (place, name) == (order.namespace, wanted)
        or may_act_as(act_as(place, name), order.namespace, wanted)
    ):
        return
    raise OrderInvalidError(
        f"reading {order.ref.short} in namespace {order.namespace}",
        context=[f".spec.serviceAccountName: {wanted!r} is not for what {name!r} orders, which may not act as it"],
        hint=f"leave the field out, or allow {name} to impersonate ServiceAccount {wanted}",
    )


def may_act_as(cluster: ClusterClient, namespace: str, account: str) -> bool:
    """Return whether the user of a client may act as a ServiceAccount; where no one tells users apart, it may.

    Args:
        cluster: acts as the user.
        namespace: of the ServiceAccount.
        account: its name.
    """
    if cluster.resource_type(REVIEWS, ACCESS_REVIEW) is None:
        return True
    asked: Body = {"verb": "impersonate", "resource": "serviceaccounts", "namespace": namespace, "name": account}
    return allowed_in(cluster.create(access_payload(asked, name=account), is_dry_run=True).body) is not False


def _release_above(body: Body) -> str:
    """Return the uid of the release that an order is part of; empty where it is of none."""
    meta = mapping_at(body, "metadata")
    return text_at(meta, "labels", RELEASE_UID) or text_at(meta, "annotations", PART_OF)


def _bundle_of(body: Body) -> tuple[str, str]:
    source = text_at(body, "spec", "bundle", "source")
    return source, ref_of(body).namespace if source.startswith(IN_AN_OBJECT) else ""


def _bundle_named(order: Order) -> tuple[str, str]:
    return order.bundle.source, order.namespace if order.bundle.secret else ""
