"""A local bundle, put into a Secret beside the order that names it, for sites without a registry. Layer: actions."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Final

from bundler.actions.change.rewrite import rewrite
from bundler.errors.bundle import ArchiveError
from bundler.errors.change import OrderSourceError
from bundler.model.cluster import ListQuery, Payload
from bundler.model.json import Body, items_at, mapping_at, text_at
from bundler.model.orders import BUNDLE_KEY, GROUP, IN_AN_OBJECT, MANAGER, ORDER_LABEL, RELEASE, SIGNATURE_KEY
from bundler.model.refs import ObjectRef, ref_of
from bundler.model.size import shown_excess

if TYPE_CHECKING:
    from bundler.actions.acquire.packed import PackedBundle
    from bundler.ports import ClusterClient

MOST_BYTES: Final = 900 * 1024
"""A Secret holds at most 1 MiB, encoded metadata and all. Source: kubernetes.io, Secret."""
_DIGEST_CHARS: Final = 12


def secret_for(order: ObjectRef, digest: str, packed: PackedBundle) -> Body:
    """Return the Secret that holds a bundle for an order.

    Args:
        order: that is to name it.
        digest: of the bundle's files.
        packed: the bundle.

    Raises:
        ArchiveError: when it is too large for a Secret.
    """
    size = len(packed.archive) + len(packed.signature or b"")
    if size > MOST_BYTES:
        found, most = shown_excess(size, MOST_BYTES)
        raise ArchiveError(
            f"putting the bundle of {order.short} into a Secret",
            context=[f"it is {found} packed, and a Secret holds at most {most}"],
            hint="push it into a registry (`bundler push`), and name its oci:// address",
        )
    held = {BUNDLE_KEY: packed.archive, SIGNATURE_KEY: packed.signature}
    data: Body = {key: b64encode(content).decode() for key, content in held.items() if content is not None}
    meta: Body = {
        "name": f"{_prefix(order)}{digest.removeprefix('sha256:')[:_DIGEST_CHARS]}",
        "namespace": order.namespace,
        "labels": {ORDER_LABEL: order.name},
    }
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "immutable": True, "data": data}


def hold(secret: Body, cluster: ClusterClient, *, order_uid: str, is_dry_run: bool = False) -> None:
    """Write the Secret of a bundle, unless it is there as it is to be.

    Args:
        secret: as `secret_for` returns it.
        cluster: where it goes.
        order_uid: of the order that is to name it; empty where that is not written yet.
        is_dry_run: the server says what it would say, and nothing is written.

    Raises:
        OrderSourceError: when there is a Secret of that name that was made for something else.
        ClusterError
    """
    ref = ref_of(secret)
    live = cluster.get(ref)
    if live is not None and text_at(live, "metadata", "labels", ORDER_LABEL) != _order_of(secret):
        raise OrderSourceError(
            f"putting a bundle into {ref.short}",
            context=[f"there is one in namespace {ref.namespace}, without the label {ORDER_LABEL}={_order_of(secret)}"],
            hint=f"delete it (`kubectl delete secret {ref.name} -n {ref.namespace}`), or label it",
        )
    is_same = live is not None and mapping_at(secret, "data").items() <= mapping_at(live, "data").items()
    if live is not None and is_same and _owners(live) <= {order_uid}:
        return
    if live is not None:
        # The same files in another archive, or signed since: what is immutable is made again. And what belongs to an
        # order that is gone is about to go as well.
        if is_dry_run:
            return
        cluster.delete(ref)
    cluster.create(Payload.of(secret, manager=MANAGER), is_dry_run=is_dry_run)


def give(order: Body, cluster: ClusterClient) -> None:
    """Let the Secret that an order names go with the order, where it was made for it.

    Args:
        order: as it is now, written.
        cluster: where it is.

    Raises:
        ClusterError: when it cannot be read or written.
    """
    source, uid = text_at(order, "spec", "bundle", "source"), text_at(order, "metadata", "uid")
    if not source.startswith(IN_AN_OBJECT):
        return
    owner: Body = {"apiVersion": text_at(order, "apiVersion"), "kind": RELEASE, "name": ref_of(order).name, "uid": uid}

    def owned(secret: Body | None) -> Body | None:
        if secret is None or _order_of(secret) != ref_of(order).name or uid in _owners(secret):
            return None
        owners = [*items_at(secret, "metadata", "ownerReferences"), owner]
        return {**secret, "metadata": {**mapping_at(secret, "metadata"), "ownerReferences": owners}}

    ref = ObjectRef("", "Secret", ref_of(order).namespace, source.removeprefix(IN_AN_OBJECT))
    rewrite(ref, owned, cluster, manager=MANAGER)


def drop_unnamed(order: ObjectRef, cluster: ClusterClient) -> tuple[ObjectRef, ...]:
    """Delete the Secrets that held earlier bundles of an order, as far as no order names them; return which.

    Args:
        order: as it is now, written.
        cluster: where it is.

    Raises:
        ClusterError: when they cannot be listed, or deleted.
    """
    mark = f"{ORDER_LABEL}={order.name}"
    query = ListQuery(group="", kind="Secret", namespace=order.namespace, label_selector=mark, metadata_only=True)
    names = [text_at(one, "metadata", "name") for one in cluster.list(query).items]
    held = [name for name in names if name.startswith(_prefix(order))]
    if not held:
        return ()
    orders = cluster.list(ListQuery(group=GROUP, kind=RELEASE, namespace=order.namespace)).items
    named = {text_at(one, "spec", "bundle", "source").removeprefix(IN_AN_OBJECT) for one in orders}
    unnamed = tuple(ObjectRef("", "Secret", order.namespace, name) for name in sorted(set(held) - named))
    for ref in unnamed:
        cluster.delete(ref)
    return unnamed


def _owners(body: Body) -> set[str]:
    return {text_at(one, "uid") for one in items_at(body, "metadata", "ownerReferences")}


def _prefix(order: ObjectRef) -> str:
    return f"{order.name}-bundle-"


def _order_of(secret: Body) -> str:
    return text_at(secret, "metadata", "labels", ORDER_LABEL)
