"""Whether a volume claim may become larger. Layer: sandbox, pure over a store.

Source: Kubernetes, plugin/pkg/admission/storage/persistentvolume/resize, and the validation of claims.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bundler.fields.quantity import Quantity
from bundler.model.json import text_at, value_at
from bundler.model.refs import ObjectRef

if TYPE_CHECKING:
    from bundler.model.json import Body
    from bundler.sandbox.store import Transaction

_SIZE = ("spec", "resources", "requests", "storage")
_RIGID = (
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
)
_SHRINKS = "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"


def resize_problems(live: Body, body: Body) -> list[str]:
    """Return what validation says of a claim that would become smaller than its volume."""
    capacity, wanted = value_at(live, "status", "capacity", "storage"), value_at(body, *_SIZE)
    if capacity is None or wanted is None or not _is_smaller(wanted, capacity):
        return []
    return [_SHRINKS]


def resize_refusal(tx: Transaction, live: Body, body: Body) -> str:
    """Return why admission refuses a claim that would become larger; empty where it does not.

    Args:
        tx: the open transaction.
        live: the object as it is in the cluster.
        body: as it would become.
    """
    before, after = value_at(live, *_SIZE), value_at(body, *_SIZE)
    if not _is_smaller(before, after):
        return ""
    if text_at(live, "status", "phase") != "Bound":
        return "Only bound persistent volume claims can be expanded"
    storage = tx.get(ObjectRef("storage.k8s.io", "StorageClass", "", text_at(live, "spec", "storageClassName")))
    return "" if value_at(storage or {}, "allowVolumeExpansion") is True else _RIGID


def _is_smaller(one: object, other: object) -> bool:
    try:
        return Quantity.parse(str(one)) < Quantity.parse(str(other))
    except ValueError:
        return False
