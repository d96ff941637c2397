"""What is said of a Menu, and of an order of its kind. Layer: controller, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bundler.controller.conditions import beginning, condition_bodies, halted
from bundler.controller.status import Condition, ConditionType, Reason
from bundler.model.json import Body, JSONValue, int_at, items_at, mapping_at, text_at
from bundler.model.lean import dataclass
from bundler.model.size import cut, first_of

if TYPE_CHECKING:
    from datetime import datetime

    from bundler.controller.menus.menu import Menu

_MESSAGE_BYTES: Final = 4096
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """How the kind of a menu is."""

    kind: str = ""
    """That is served; empty: none is yet."""
    bundle: Body | None = None
    """``name``, ``version`` and ``digest`` of the bundle that it was made of."""
    orders: int = 0
    invalid: tuple[str, ...] = ()
    """Orders that a new bundle refuses, a line each."""
    reason: Reason = Reason.READY
    message: str = ""
    """Why the menu is not as it says."""


def menu_status(menu: Menu, served: Served, now: datetime) -> Body:
    """Return ``.status`` of a Menu.

    Args:
        menu: as it was read.
        served: how its kind is.
        now: the time of day.
    """
    is_well = served.reason is Reason.READY
    said = cut(served.message, _MESSAGE_BYTES)
    conditions = [Condition(type=ConditionType.READY, status=is_well, reason=served.reason, message=said)]
    if not is_well:
        kind = ConditionType.RECONCILING if served.reason is Reason.WAITING else ConditionType.STALLED
        conditions.append(Condition(type=kind, status=True, reason=served.reason, message=said))
    bundle = served.bundle or {}
    status: dict[str, JSONValue] = {
        "observedGeneration": menu.generation,
        "conditions": condition_bodies(conditions, menu.status, generation=menu.generation, now=now),
        "kind": served.kind,
        "orders": served.orders,
        "invalid": list(first_of(served.invalid, _SHOWN)),
    }
    if bundle:
        status["bundle"] = dict(bundle)
        status["summary"] = {"bundle": f"{text_at(bundle, 'name')} {text_at(bundle, 'version')}"}
    return status


def mirrored(order: Body, release: Body, now: datetime) -> Body:
    """Return ``.status`` of an order of a menu's kind: that of its Release, said of the order's own generation.

    Until the controller has seen the Release as it is now, no one knows whether the order is met.

    Args:
        order: as it was read.
        release: that was made for it.
        now: the time of day.
    """
    generation, status = int_at(order, "metadata", "generation"), mapping_at(release, "status")
    if status.get("observedGeneration") != int_at(release, "metadata", "generation", default=-1):
        begun, before = beginning(Reason.PLANNING), mapping_at(order, "status")
        conditions = condition_bodies(begun, before, generation=generation, now=now)
        return {**before, "observedGeneration": generation, "conditions": conditions}
    conditions = [{**one, "observedGeneration": generation} for one in items_at(status, "conditions")]
    return {**status, "observedGeneration": generation, "conditions": conditions}


def refused(order: Body, message: str, now: datetime) -> Body:
    """Return ``.status`` of an order that no Release can be made for.

    Args:
        order: as it was read.
        message: why.
        now: the time of day.
    """
    generation = int_at(order, "metadata", "generation")
    conditions = halted(Reason.CONTESTED, cut(message, _MESSAGE_BYTES))
    told = condition_bodies(conditions, mapping_at(order, "status"), generation=generation, now=now)
    return {"observedGeneration": generation, "phase": "Failed", "conditions": told}
