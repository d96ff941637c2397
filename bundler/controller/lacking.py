"""What an order's ServiceAccount may not do and has to: all of it at once. Layer: controller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler import ClusterClient, ObjectRef, ReleaseRequest, Session, UninstallRequest
from bundler.errors import BundlerError

if TYPE_CHECKING:
    from bundler.controller.order import Order


def missing_rights(order: Order, tenant: Session, request: ReleaseRequest | None = None) -> tuple[str, ...]:
    """Return what the ServiceAccount of an order lacks, a line each; nothing where that cannot be found out.

    Args:
        order: names the ServiceAccount.
        tenant: acts as it.
        request: what the release is to become; None: what its records need is asked for alone.
    """
    try:
        asked = request or UninstallRequest(release=order.name, namespace=order.namespace)
        return tuple(str(one) for one in tenant.missing_rights(asked) if not one.is_for_later)
    except BundlerError:
        return ()


def who_lacks(order: Order) -> str:
    """Return whose rights they are, as a message begins."""
    whose = f"ServiceAccount {order.service_account}" if order.service_account else "the controller"
    return f"{whose} in namespace {order.namespace} lacks rights"


def missing_account(order: Order, own: ClusterClient) -> str:
    """Return that the ServiceAccount of an order does not exist; empty where it does, or no one may say.

    The API server impersonates one that was deleted all the same, with whatever is still bound to its name.

    Args:
        order: names the ServiceAccount.
        own: acts as the controller.
    """
    if not order.service_account:
        return ""
    ref = ObjectRef("", "ServiceAccount", order.namespace, order.service_account)
    try:
        found = own.get(ref, metadata_only=True)
    except BundlerError:
        return ""
    if found is not None:
        return ""
    way = f"`bundler rbac BUNDLE --for-controller --release {order.name} -n {order.namespace}`"
    return (
        f"ServiceAccount {ref.name} does not exist in namespace {ref.namespace} (name another one in "
        f".spec.serviceAccountName, or make it: {way} prints one with its rights)"
    )
