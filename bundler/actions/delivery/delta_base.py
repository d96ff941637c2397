"""The deliveries that a delta builds on. Layer: actions, pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bundler.delivery.reader import Delivery
    from bundler.model.delivery import Base, DeliveryIndex


def base_not_at_hand(index: DeliveryIndex, bases: Iterable[Delivery]) -> Base | None:
    """Return the delivery to name when blobs are missing: the first down the chain of those available that is not.

    Args:
        index: of the delta.
        bases: deliveries available, in any order; one may be a delta itself.
    """
    builds = {one.build_id: one.index.base for one in bases}
    base = index.base
    while base is not None and builds.get(base.index) is not None:
        base = builds.pop(base.index)
    return base


def file_of(base: Base | None) -> str:
    """Return what the file of a delivery is called, unless someone gave it another name."""
    return f"{base.name}-{base.version}.bundle" if base else "the file it builds on"
