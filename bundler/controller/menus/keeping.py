"""Menus and the orders of their kinds, looked at while this copy leads: each order becomes a Release.

Layer: controller.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bundler import ListQuery, Payload, secrets_of_order
from bundler.concurrency import in_thread
from bundler.controller.bells import Bells, facts_of
from bundler.controller.menus.menu import MENU, differs, is_made_for, release_of
from bundler.controller.menus.serve import MenuServer, Offer, Serving
from bundler.controller.menus.told import mirrored, refused
from bundler.controller.orders import MANAGER
from bundler.controller.queue import LookQueue, take_looks
from bundler.controller.watch_health import WatchHealth
from bundler.controller.watches import Watches
from bundler.model.json import Body, items_at, mapping_at, strings_at, text_at
from bundler.model.orders import APPROVE, FINALIZER, GROUP, RELEASE, order_ref, with_note
from bundler.model.refs import ObjectRef, ref_of

if TYPE_CHECKING:
    from bundler.controller.process import Instruments

_NAME: Final = "menus"
_JOIN_S: Final = 10.0
_MENUS: Final = ListQuery(group=GROUP, kind=MENU, namespace="")


class MenuKeeping:
    """Serves kinds, and makes each of their orders into a Release; one thread looks, watches ring."""

    def __init__(
        self,
        serving: Serving,
        instruments: Instruments,
        *,
        namespaces: tuple[str, ...] = (),
        holds: Callable[[ObjectRef], bool] = lambda _: True,
    ) -> None:
        """Begin nothing yet.

        Args:
            serving: what menus are served with.
            instruments: what is observed.
            namespaces: whose orders are kept; empty: all.
            holds: whether an order is one of those that this controller keeps, where several share them.
        """
        self._serving, self._instruments = serving, instruments
        self._namespaces, self._holds = namespaces or ("",), holds
        self._server = MenuServer(serving)
        self._queue = LookQueue(instruments.clock)
        self._watches = Watches(
            serving.own.cluster,
            Bells(lambda key, _: self._queue.ring(key)),
            WatchHealth(instruments, _NAME, is_quiet=True),
        )
        self._stopping = threading.Event()
        self._thread = in_thread(self._work, name=_NAME)

    def start(self) -> None:
        """Begin to watch menus."""
        self._watches.watch(_MENUS, self._moved, self._queue.begin)
        self._thread.start()

    def close(self) -> None:
        """Look at nothing more."""
        self._stopping.set()
        self._watches.close()
        self._thread.join(_JOIN_S)

    def look(self, key: ObjectRef) -> float | None:
        """Look at one menu, or at one order of its kind.

        Args:
            key: of either.

        Returns:
            The seconds until the next look; None: it is gone.

        Raises:
            BundlerError: when the cluster does not answer, or it moved.
        """
        if (key.group, key.kind) != (GROUP, MENU):
            return fill_order(key, self._offer(key), self._serving)
        before = self._server.offers.get(key.name)
        again_s = self._server.look(key)
        offer = self._server.offers.get(key.name)
        if offer is not None and offer != before:
            self._begin(offer)
        return again_s

    def _begin(self, offer: Offer) -> None:
        """Watch the orders of a kind with their Releases, and look at all: what they come to may have changed."""
        for namespace in self._namespaces:
            self._watches.watch(ListQuery(group=GROUP, kind=RELEASE, namespace=namespace), self._release_moved)
            query = ListQuery(group=offer.query.group, kind=offer.query.kind, namespace=namespace)
            self._watches.watch(query, self._moved)
            for body in self._serving.own.cluster.list(query).items:
                self._ring(ref_of(body))

    def _offer(self, key: ObjectRef) -> Offer | None:
        offers = self._server.offers.values()
        return next((one for one in offers if (one.query.group, one.query.kind) == (key.group, key.kind)), None)

    def _moved(self, body: Body, before: bytes | None) -> None:
        if before is None or before != facts_of(body):
            self._ring(ref_of(body))

    def _release_moved(self, body: Body, before: bytes | None) -> None:
        """Ring the order that a Release was made for: what is said of the one is said of the other."""
        del before
        for owner in items_at(body, "metadata", "ownerReferences"):
            group = text_at(owner, "apiVersion").partition("/")[0]
            key = ObjectRef(group, text_at(owner, "kind"), ref_of(body).namespace, text_at(owner, "name"))
            if self._offer(key) is not None:
                self._ring(key)

    def _ring(self, key: ObjectRef) -> None:
        if not key.namespace or self._holds(key):
            self._queue.ring(key)

    def _work(self) -> None:
        take_looks(
            self._queue, lambda look: self.look(look.key), self._instruments, name=_NAME, is_over=self._stopping.is_set
        )


AGAIN_S: Final = 600.0
GONE_S: Final = 5.0
"""Until it is looked again whether a Release is gone."""


def fill_order(key: ObjectRef, offer: Offer | None, serving: Serving) -> float | None:
    """Look at one order, and make or change its Release.

    Args:
        key: the order.
        offer: the menu of its kind; None: that is gone. Then the Release stays as it is.
        serving: what menus are served with.

    Returns:
        The seconds until the next look; None: the order is gone.

    Raises:
        BundlerError: when the cluster does not answer, or the order moved.
    """
    cluster = serving.own.cluster
    order = cluster.get(key)
    if order is None:
        return None
    release = cluster.get(order_ref(key.namespace, key.name))
    if text_at(order, "metadata", "deletionTimestamp"):
        return _remove(order, release, serving)
    if offer is None:
        return AGAIN_S
    if release is not None and not is_made_for(release, order):
        why = f"Release/{key.name} exists, and was not made for {key.short}"
        return serving.orders.write_status(order, refused(order, why, serving.clock.now())) or AGAIN_S
    secrets = secrets_of_order(mapping_at(order, "spec"), offer.kind)
    wanted = release_of(offer.menu, order, release, secrets)
    if release is None or differs(wanted, release):
        order = serving.orders.hold(order)
        release = cluster.apply(Payload.of(wanted, manager=MANAGER), is_forced=True).body
    return serving.orders.write_status(order, mirrored(order, release, serving.clock.now())) or AGAIN_S


def _remove(order: Body, release: Body | None, serving: Serving) -> float | None:
    """Delete the Release of an order that is being deleted; the order goes when nothing of it is left."""
    if FINALIZER not in strings_at(order, "metadata", "finalizers"):
        return None
    if release is None or not is_made_for(release, order):
        serving.orders.let_go(order)
        return None
    if (approved := _approves(order)) and approved != _approves(release):
        release = serving.own.cluster.replace(Payload.of(with_note(release, APPROVE, approved), manager=MANAGER)).body
    if not text_at(release, "metadata", "deletionTimestamp"):
        uid = text_at(release, "metadata", "uid")
        serving.own.cluster.delete(
            order_ref(text_at(release, "metadata", "namespace"), text_at(release, "metadata", "name")), uid=uid
        )
    return serving.orders.write_status(order, mirrored(order, release, serving.clock.now())) or GONE_S


def _approves(order: Body) -> str:
    return text_at(order, "metadata", "annotations", APPROVE)
