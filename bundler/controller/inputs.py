"""A digest of everything that an order comes to: what is the same was tried already. Layer: controller, pure.

Not the generation of the order: one that was changed and changed back is what it was before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bundler.model.digest import digest_of
from bundler.model.json import Body, JSONValue, canonical_json
from bundler.model.lean import dataclass

if TYPE_CHECKING:
    from bundler.controller.order import Order


@dataclass(frozen=True, slots=True, order=True)
class SeenSource:
    """An object that an order refers to, as it is now; what it holds is not read for that."""

    name: str
    """``KIND/NAME``."""
    uid: str = ""
    """Empty: it is missing."""
    version: str = ""
    """Its ``metadata.resourceVersion``."""


def inputs_digest(order: Order, sources: Iterable[SeenSource], *, version: str = "") -> str:
    """Return the digest of what an order comes to.

    The token of ``bundler.dev/retry`` is part of it: with a new one, the same is new, and is tried again.

    Args:
        order: the order.
        sources: every object that it refers to: Secrets and ConfigMaps with values, the bundle's, the site's.
        version: of the bundle, where the order names a range.
    """
    bundle = order.bundle
    where: JSONValue = bundle.digest or [bundle.source, version or bundle.version]
    facts: Body = {
        "bundle": where,
        "values": order.values,
        "valuesFrom": [[one.kind, one.name, one.key, one.is_optional] for one in order.values_from],
        "sources": [[one.name, one.uid, one.version] for one in sorted(set(sources))],
        "site": order.site,
        "serviceAccount": order.service_account,
        "retry": order.retry,
    }
    return digest_of(canonical_json(facts))
