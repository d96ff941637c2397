"""Orders as JSON. Layer: wire, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from bundler.model.json import int_at, items_at, text_at
from bundler.model.orders import keeping_order

if TYPE_CHECKING:
    from bundler.model.json import Body


class OrderForm(TypedDict):
    """An order, and what its controller says of it."""

    kind: str
    name: str
    namespace: str
    generation: int
    """The server counts it up with each change of what the order says."""
    suspended: bool
    """It is not carried out for now, and others may change the release."""
    phase: str
    """In one word, for people: ``Ready``, ``Working``, ``Waiting``; empty while no controller has seen it."""
    ready: bool
    message: str
    """What the condition Ready says."""


def order_form(body: Body) -> OrderForm:
    """Return an order, and what its controller says of it."""
    order = keeping_order(body)
    is_seen = int_at(body, "status", "observedGeneration") >= order.mark.generation
    ready = next((one for one in items_at(body, "status", "conditions") if text_at(one, "type") == "Ready"), {})
    return {
        "kind": order.ref.kind,
        "name": order.ref.name,
        "namespace": order.ref.namespace,
        "generation": order.mark.generation,
        "suspended": order.is_suspended,
        "phase": text_at(body, "status", "phase") if is_seen else "",
        "ready": is_seen and text_at(ready, "status") == "True",
        "message": text_at(ready, "message") if is_seen else "",
    }
