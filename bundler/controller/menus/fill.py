"""One look at one order of a menu's kind: its Release is made, and it says how that is. Layer: controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler import Payload, secrets_of_order
from bundler.controller.menus.menu import differs, is_made_for, release_of
from bundler.controller.menus.told import mirrored, refused
from bundler.controller.orders import MANAGER
from bundler.model.json import mapping_at, strings_at, text_at
from bundler.model.orders import APPROVE, FINALIZER, order_ref, with_note

if TYPE_CHECKING:
    from bundler import ObjectRef
    from bundler.controller.menus.serve import Offer, Serving
    from bundler.model.json import Body

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
